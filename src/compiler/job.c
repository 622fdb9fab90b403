/* SPDX-License-Identifier: MIT */
/*
 * compiler/job.c: weft_blocking: a plain call on the blocking pool.
 *
 * Its arguments and its result travel in a struct of the caller's frame, beside the frame of the leaf
 * weft_blocking, and a function made for the call runs it on the thread of the pool:
 *
 *     struct f__weft_j1 { int result; int p1; };
 *     static void f__weft_j1__run(void *weft_j) { ... weft_job->result = g(weft_job->p1); }
 */
#include "compiler/call.h"

static void define_struct(struct lower *lower, struct node *call, const struct job *job)
{
	CXType type = type_of_function(call->child[0]->type);
	struct text *out = &lower->to->lifted;
	struct tree *tree = lower->tree;

	text_printf(out, "struct %s {\n", job->name);
	if (!type_is_void(job->result))
		text_printf(out, "\t__typeof__(%s) result;\n",
				type_value_text(tree, lower->function, call->begin, job->result));
	if (!job->function)
		text_printf(out, "\t__typeof__(%s) function;\n",
				type_value_text(tree, lower->function, call->begin,
						call->child[0]->type));
	for (unsigned i = 1; i < call->count; i++) {
		bool fixed = (int)i <= clang_getNumArgTypes(type);

		text_printf(out, "\t__typeof__(%s) p%u;\n",
				type_value_text(tree, lower->function, call->child[i]->begin,
						fixed ? clang_getArgType(type, i - 1)
						      : call->child[i]->type),
				i);
	}
	text_puts(out, "};\n");
}

static void define_function(struct lower *lower, const struct node *call, const struct job *job)
{
	struct text *out = &lower->to->lifted, run = { NULL, 0, 0 };

	text_printf(&run, "%s(", job->function ? job->function : "weft_job->function");
	for (unsigned i = 1; i < call->count; i++)
		text_printf(&run, "%sweft_job->p%u", i > 1 ? ", " : "", i);
	text_puts(&run, ")");
	source_mark(out, source_place(lower->source, call->begin));
	text_printf(out, "%sstatic void %s__run(void *weft_j) { struct %s *weft_job = weft_j; ",
			lower_uncounted(lower->tree), job->name, job->name);
	if (type_is_void(job->result))
		text_printf(out, "%s; ", run.at);
	else
		lower_store(out, "weft_job->result", job->result, run.at);
	text_puts(out, "}\n");
	text_free(&run);
}

bool job_define(struct lower *lower, struct node *call, struct job *job)
{
	struct arena *arena = &lower->tree->arena;
	struct node *name;

	if (call->kind != NODE_CALL || call->is_async) {
		diagnose_error(lower->tree, call->begin, "W008",
				"weft_blocking takes a call of a plain function");
		return false;
	}
	name = node_strip(call->child[0]);
	job->serial = ++lower->serial;
	job->name = arena_printf(arena, "%s__weft_j%u", lower->function->name, job->serial);
	job->member = arena_printf(arena, "weft_d%u", job->serial);
	job->result = clang_getResultType(type_of_function(call->child[0]->type));
	job->function = name->kind == NODE_NAME && !name->variable ? name->name : NULL;
	if (call->child[0]->has_await) { /* in a frame that arguments may share */
		job->pointer = lower_temporary(lower, call->begin, call->child[0]->type, true);
		lower_store(lower->out, job->pointer, call->child[0]->type,
				lower_expression(lower, call->child[0], false));
	}
	define_struct(lower, call, job);
	define_function(lower, call, job);
	return true;
}

struct callee job_callee(struct lower *lower)
{
	return (struct callee){
		.function = tree_find(lower->tree, "weft_blocking", 13),
		.async = "&weft_blocking__async",
		.args_struct = "struct weft_blocking__args",
		.embedded = true,
	};
}

void job_start(struct lower *lower, struct node *call, const struct job *job,
		const char **arguments)
{
	unsigned serial = job->serial;

	call_note_embedded(lower, job_callee(lower).function);
	text_printf(&lower->scope->members,
			"\tstruct %s weft_j%u;\n\tstruct weft_blocking__frame %s;\n", job->name,
			serial, job->member);
	if (!type_is_void(job->result))
		text_printf(lower->out,
				"__builtin_memset(&weft_f->weft_j%u.result, 0, sizeof "
				"weft_f->weft_j%u.result); ",
				serial, serial);
	if (!job->function)
		text_printf(lower->out, "weft_f->weft_j%u.function = %s; ", serial,
				job->pointer ? job->pointer
					     : lower_expression(lower, call->child[0], false));
	for (unsigned i = 1; i < call->count; i++)
		lower_store(lower->out,
				arena_printf(&lower->tree->arena, "weft_f->weft_j%u.p%u", serial,
						i),
				call->child[i]->type, arguments[i - 1]);
	text_printf(lower->out,
			"weft_blocking__init(&weft_f->%s.args, %s__run, &weft_f->weft_j%u); ",
			job->member, job->name, serial);
}

const char *job_value(struct lower *lower, const struct job *job)
{
	struct arena *arena = &lower->tree->arena;

	if (!call_result_is_int(job->result))
		return arena_printf(arena, "weft_f->weft_j%u.result", job->serial);
	return arena_printf(arena,
			"(weft_f->%s.args.result < 0 ? weft_f->%s.args.result : weft_f->weft_j%u.result)",
			job->member, job->member, job->serial);
}

const char *job_await(struct lower *lower, struct node *node, struct node *call, bool follows)
{
	struct callee callee = job_callee(lower);
	const char **arguments;
	struct job job = { 0 };

	if (!job_define(lower, call, &job))
		return "0";
	arguments = call_arguments(lower, call, &callee);
	for (unsigned i = 1; i < call->count; i++) /* they may be where the job will be */
		if (call->child[i]->has_await)
			arguments[i - 1] = call_keep(lower, call->begin, call->child[i]->type,
					arguments[i - 1], true);
	lower_scope_push(lower);
	job_start(lower, call, &job, arguments);
	lower_scope_pop(lower);
	lower_await_point(lower, node->begin, job.member, job_callee(lower).function, "0",
			arena_printf(&lower->tree->arena,
					"weft_blocking__poll(&weft_f->%s, weft_cx)", job.member));
	if (type_is_void(job.result))
		return "((void)0)";
	return call_keep(lower, node->begin, job.result, job_value(lower, &job), follows);
}
