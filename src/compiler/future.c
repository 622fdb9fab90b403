/* SPDX-License-Identifier: MIT */
/*
 * compiler/future.c: futures kept in a variable.
 *
 * A weft_future(f) x is a branch and a frame of f side by side in the caller's frame:
 *
 *     declared --start--> started --await--> done (as declared)
 *                            '----block left: cancelled, awaited----> done
 *
 * Started is that the branch has been made. Nothing runs but in an await.
 */
#include <string.h>

#include "compiler/call.h"

static bool is_embedded(struct lower *lower, const struct variable *future)
{
	return frames_embeds(lower->tree, lower->function, future->future);
}

void future_declare(struct lower *lower, const struct variable *future)
{
	const char *frame = arena_printf(&lower->tree->arena, "%s__frame", future->member);

	text_printf(&lower->scope->members, "\tstruct weft_branch %s;\n", future->member);
	if (is_embedded(lower, future))
		call_embed(lower, future->future, frame);
	else
		text_printf(&lower->scope->members, "\tvoid *%s;\n", frame);
	text_printf(lower->out, "weft_branch_clear(&weft_f->%s); ", future->member);
}

/* The variable in weft_start_(&(x), ...); NULL: said. */
static const struct variable *future_named(struct lower *lower, struct node *call)
{
	struct node *address = call->count > 1 ? node_strip(call->child[1]) : NULL;
	struct node *name = address && address->kind == NODE_UNARY ? node_strip(address->child[0])
								   : NULL;

	if (name && name->kind == NODE_NAME && name->variable && name->variable->future)
		return name->variable;
	diagnose_error(lower->tree, call->begin, "W010",
			"this takes a variable that was declared as weft_future(function)");
	return NULL;
}

const char *future_start(struct lower *lower, struct node *call)
{
	struct arena *arena = &lower->tree->arena;
	const struct variable *future = future_named(lower, call);
	struct text text = { NULL, 0, 0 }, *out = lower->out;
	const char **arguments, *frame, *copy;
	struct branch branch;
	struct callee callee;
	struct own_frame own;

	if (!future)
		return "0";
	if (!branch_parse(lower->tree, call->child[2], &branch) || branch.call->kind != NODE_CALL ||
			branch.lvalue ||
			node_strip(branch.call->child[0])->function != future->future) {
		diagnose_error(lower->tree, call->begin, "W010",
				"`%s` is a future of `%s`: it is started with a call of that",
				future->name, future->future->name);
		return "0";
	}
	callee = callee_of(lower, branch.call);
	arguments = call_arguments(lower, branch.call);
	frame = arena_printf(arena, "%s__frame", future->member);
	lower->out = &text;
	text_puts(&text, "__extension__ ({ ");
	if (callee.embedded) {
		own = (struct own_frame){ callee.async, arena_printf(arena, "&weft_f->%s", frame) };
		call_init(lower, &callee, branch.call, arguments,
				arena_printf(arena, "(%s *)%s", callee.args_struct, own.frame));
	} else {
		own = call_alloc(lower, &callee, branch.call, arguments, frame);
	}
	text_printf(&text, "weft_f->%s = weft_branch_make(%s, %s); (void)0; })", future->member,
			own.async, own.frame);
	lower->out = out;
	copy = arena_copy(arena, text.at, text.size);
	text_free(&text);
	return copy;
}

const char *future_cancel(struct lower *lower, struct node *call)
{
	const struct variable *future = future_named(lower, call);

	return future ? arena_printf(&lower->tree->arena, "((void)(weft_f->%s.cancelled = 1))",
					future->member)
		      : "0";
}

static struct callee callee_of_future(struct lower *lower, const struct variable *future)
{
	struct arena *arena = &lower->tree->arena;
	const char *name = future->future->name;

	return (struct callee){
		.function = future->future,
		.type = clang_getCanonicalType(future->future->type),
		.async = arena_printf(arena, "&%s__async", name),
		.args_struct = arena_printf(arena, "struct %s__args", name),
		.embedded = is_embedded(lower, future),
	};
}

static void poll(struct lower *lower, uint32_t at, const struct variable *future)
{
	lower_await_point(lower, at, future->member, NULL, "WEFT_POINT_BRANCH",
			arena_printf(&lower->tree->arena, "weft_branch_poll(&weft_f->%s, weft_cx)",
					future->member));
	text_printf(lower->out, "weft_branch_clear(&weft_f->%s); ", future->member);
}

static void give_back(struct lower *lower, const struct variable *future)
{
	if (!is_embedded(lower, future))
		text_printf(lower->out, "weft_frame_free(weft_cx, weft_f->%s__frame); ",
				future->member);
}

const char *future_await(struct lower *lower, struct node *node, const struct variable *future,
		bool await_follows)
{
	struct arena *arena = &lower->tree->arena;
	struct callee callee = callee_of_future(lower, future);
	CXType result = future->future->result;
	const char *value;

	text_printf(lower->out,
			"if (!weft_branch_is_made(&weft_f->%s)) weft_frame_misuse(&weft_f->args.base); ",
			future->member);
	poll(lower, node->begin, future);
	if (type_is_void(result)) {
		give_back(lower, future);
		return "((void)0)";
	}
	if (is_embedded(lower, future))
		return call_keep(lower, node->begin, result,
				arena_printf(arena, "weft_f->%s__frame.args.result",
						future->member),
				await_follows);
	value = lower_temporary(lower, node->begin, result, await_follows);
	text_printf(lower->out, "%s = %s; ", value,
			call_own_result(lower, &callee,
					arena_printf(arena, "%s__frame", future->member)));
	give_back(lower, future);
	return value;
}

void future_end(struct lower *lower, uint32_t at, const struct variable *future)
{
	text_printf(lower->out,
			"if (weft_branch_is_made(&weft_f->%s)) { weft_f->%s.cancelled = 1; ",
			future->member, future->member);
	poll(lower, at, future);
	give_back(lower, future);
	text_puts(lower->out, "} ");
}
