/* SPDX-License-Identifier: MIT */
/*
 * compiler/function.c: one function: names of its members, what is lifted out of it, what it may not do.
 */
#include <stdlib.h>
#include <string.h>

#include "compiler/emit.h"
#include "compiler/lower.h"

/* ---- scopes of the frame ---- */

void lower_scope_push(struct lower *lower)
{
	struct scope *scope = arena_zalloc(&lower->tree->arena, sizeof *scope), **end;

	scope->outer = lower->scope;
	for (end = &lower->scope->inner; *end; end = &(*end)->next)
		;
	*end = scope;
	lower->scope = scope;
}

void lower_scope_enter(struct lower *lower, const struct node *node)
{
	lower_scope_push(lower);
	lower->scope->serial = ++lower->scope_count;
	lower->scope->first_line = source_place(lower->source, node->begin).line;
	lower->scope->last_line = source_place(lower->source, node->end - 1).line;
}

void lower_scope_pop(struct lower *lower)
{
	lower->scope = lower->scope->outer;
}

static bool scope_is_empty(const struct scope *scope)
{
	if (scope->members.size)
		return false;
	for (const struct scope *inner = scope->inner; inner; inner = inner->next)
		if (!scope_is_empty(inner))
			return false;
	return true;
}

/* Whether its text is one member. */
static bool is_one_member(const struct scope *scope)
{
	const struct scope *only = NULL;
	unsigned count = 0;

	for (const struct scope *inner = scope->inner; inner; inner = inner->next)
		if (!scope_is_empty(inner)) {
			only = inner;
			count++;
		}
	if (scope->members.size)
		return !count && !scope->first_line &&
				strchr(scope->members.at, '\n') ==
				scope->members.at + scope->members.size - 1;
	return count > 1 || is_one_member(only);
}

/* Scopes beside each other share their memory. Debuggers see by the members without size which of them is
 * live: tools/gdb/libweft-gdb.py. */
static void scope_text(struct scope *scope, struct text *out)
{
	unsigned count = 0;

	if (scope->members.size && scope->first_line)
		text_printf(out, "\tchar weft_lines_%u_%u_%u[0];\n", scope->first_line,
				scope->last_line, scope->serial);
	if (scope->members.size)
		text_puts(out, scope->members.at);
	text_free(&scope->members);
	for (struct scope *inner = scope->inner; inner; inner = inner->next)
		count += !scope_is_empty(inner);
	if (count > 1)
		text_puts(out, "\tunion {\n");
	for (struct scope *inner = scope->inner; inner; inner = inner->next) {
		if (scope_is_empty(inner))
			continue;
		bool is_struct = count > 1 && !is_one_member(inner);

		if (is_struct)
			text_puts(out, "\tstruct {\n");
		scope_text(inner, out);
		if (is_struct)
			text_puts(out, "\t};\n");
	}
	if (count > 1)
		text_puts(out, "\t};\n");
}

/* ---- where the output comes from ---- */

void lower_sync(struct lower *lower, uint32_t offset)
{
	struct place place = source_place(lower->source, offset);
	struct text *out = lower->out;

	for (; lower->out_seen < out->size; lower->out_seen++)
		lower->out_line += out->at[lower->out_seen] == '\n';
	if (lower->out_file && strcmp(lower->out_file, place.file) == 0) {
		if (place.line == lower->out_line)
			return;
		if (place.line > lower->out_line && place.line - lower->out_line <= 3) {
			while (lower->out_line < place.line) {
				text_puts(out, "\n");
				lower->out_line++;
			}
			lower->out_seen = out->size;
			return;
		}
	}
	source_mark(out, place);
	lower->out_file = place.file;
	lower->out_line = place.line;
	lower->out_seen = out->size;
}

/* ---- a function ---- */

struct node *label_node(const struct lower *lower, const char *name)
{
	for (struct label_home *home = lower->labels; home; home = home->next)
		if (home->name == name)
			return home->node;
	return NULL;
}

static void find_labels(struct lower *lower, struct node *node)
{
	if (node->kind == NODE_LABEL) {
		struct label_home *home = arena_zalloc(&lower->tree->arena, sizeof *home);

		home->name = node->name;
		home->node = node;
		home->next = lower->labels;
		lower->labels = home;
	}
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i])
			find_labels(lower, node->child[i]);
}

/* Whether a variable has the name, or one before `end` the member. */
static bool is_taken(const struct function *function, const struct variable *end, const char *name)
{
	bool is_before = true;

	for (const struct variable *v = function->variables; v; v = v->next) {
		is_before &= v != end;
		if (strcmp(v->name, name) == 0 || (is_before && strcmp(v->member, name) == 0))
			return true;
	}
	return false;
}

/* Every hoisted variable gets a member of its own name, if nobody else has it. */
static void name_members(struct lower *lower)
{
	struct function *function = lower->function;

	for (struct variable *v = function->variables; v; v = v->next) {
		unsigned same = strcmp(v->name, "args") == 0;

		if (v->parameter >= 0) {
			v->member = arena_printf(&lower->tree->arena, "args.p%d", v->parameter);
			continue;
		}
		for (struct variable *other = function->variables; other != v; other = other->next)
			same += strcmp(other->name, v->name) == 0;
		v->member = v->name;
		while (same && (v->member == v->name || is_taken(function, v, v->member)))
			v->member = arena_printf(&lower->tree->arena, "%s__%u", v->name, ++same);
	}
}

const char *async_address(struct tree *tree, const struct node *name)
{
	size_t token = source_token(tree->source, name->begin);
	bool has_operator = token > 0 && source_token_is(tree->source, token - 1, "&");

	return arena_printf(&tree->arena, has_operator ? "%s__async" : "(&%s__async)",
			name->function->name);
}

static void edit_substitute(struct lower *lower, const struct substitute *substitute)
{
	edits_add(&lower->edits, substitute->begin, substitute->end,
			type_result(lower->tree, lower->function, substitute->begin,
					substitute->type));
}

static void edit_names(struct lower *lower)
{
	struct function *function = lower->function;
	struct arena *arena = &lower->tree->arena;
	const struct source *source = lower->source;
	const char *text = arena_printf(arena, "%s__weft_func", function->name);

	for (size_t i = 0; i < function->substitute_count; i++)
		edit_substitute(lower, &function->substitutes[i]);
	for (size_t i = 0; i < function->name_count; i++) {
		struct node *name = function->names[i];
		uint32_t end = source->tokens[source_token(source, name->begin)].end;

		if (name->function) /* a statement's node may end behind its semicolon */
			edits_add(&lower->edits, name->begin, end,
					async_address(lower->tree, name));
		else if (function->is_async &&
				(name->variable->hoisted || name->variable->parameter >= 0))
			edits_add(&lower->edits, name->begin, end,
					arena_printf(arena, "weft_f->%s", name->variable->member));
	}
	for (size_t i = source_token(source, function->body_begin);
			i < source->token_count && source->tokens[i].begin < function->end; i++) {
		if (function->is_async &&
				(source_token_is(source, i, "__func__") ||
						source_token_is(source, i, "__FUNCTION__") ||
						source_token_is(source, i,
								"__PRETTY_FUNCTION__"))) {
			edits_add(&lower->edits, source->tokens[i].begin, source->tokens[i].end,
					text);
			lower->to->uses_func_name = true;
		}
	}
	for (struct variable *v = function->variables; v; v = v->next)
		if (statement_cleans(v) && v->node)
			for (size_t i = source_token(source, v->node->begin);
					i < source->token_count && !source_token_is(source, i, ";");
					i++)
				if (source_token_is(source, i, "cleanup") ||
						source_token_is(source, i, "__cleanup__")) {
					size_t close = source_match(source, i + 1);

					edits_add(&lower->edits, source->tokens[i].begin,
							source->tokens[close].end, "__unused__");
				}
}

/* asm goto ("..." : : : : label) */
static bool is_asm_goto(const struct source *source, const struct node *node)
{
	size_t token = source_token(source, node->begin);

	if (node->kind != NODE_STATEMENT || !source_is_attribute(source, token))
		return false;
	while (token < source->token_count && !source_token_is(source, token, "("))
		if (source_token_is(source, token++, "goto"))
			return true;
	return false;
}

static bool is_unknown_jump(const struct source *source, const struct node *node)
{
	return node->kind == NODE_COMPUTED_GOTO || is_asm_goto(source, node);
}

/* What the declaration says, as a number, or 0: an expression is left to the compiler of the frame. */
static unsigned long stated_alignment(const struct source *source, const struct node *declaration)
{
	static const char *const words[] = { "aligned", "__aligned__", "_Alignas", "alignas" };
	unsigned long most = 0;

	for (size_t i = source_token(source, declaration->begin);
			i + 2 < source->token_count && source->tokens[i].begin < declaration->end;
			i++)
		for (size_t w = 0; w < sizeof words / sizeof *words; w++)
			if (source_token_is(source, i, words[w]) &&
					source_token_is(source, i + 1, "(")) {
				unsigned long stated =
						strtoul(source->text + source->tokens[i + 2].begin,
								NULL, 0);

				most = stated > most ? stated : most;
			}
	return most;
}

static void check_alignment(const struct lower *lower, const struct variable *variable)
{
	long long of_type = clang_Type_getAlignOf(variable->type);
	unsigned long bytes = of_type > 0 ? (unsigned long)of_type : 0, stated = 0;

	if (variable->node && variable->node->parent)
		stated = stated_alignment(lower->source, variable->node->parent);
	bytes = stated > bytes ? stated : bytes;
	if (bytes > EMIT_FRAME_ALIGN_MAX)
		diagnose_error(lower->tree, variable->name_at, "W029",
				"`%s` is aligned to %lu bytes, a frame to %d: keep a pointer to what "
				"aligned_alloc gives",
				variable->name, bytes, EMIT_FRAME_ALIGN_MAX);
}

static void check_supported(struct lower *lower, struct node *node)
{
	static const char *const jumps[] = { "setjmp", "_setjmp", "sigsetjmp", "__sigsetjmp",
		NULL };
	static const char *const stacks[] = { "alloca", "__builtin_alloca",
		"__builtin_alloca_with_align", NULL };
	const char *name = call_name(node);

	for (const char *const *word = jumps; *word; word++)
		if (strcmp(name, *word) == 0)
			diagnose_error(lower->tree, node->begin, "W012",
					"setjmp in an async function: the stack it remembers is gone "
					"after an "
					"await; return errors instead");
	for (const char *const *word = stacks; *word; word++)
		if (strcmp(name, *word) == 0)
			diagnose_error(lower->tree, node->begin, "W013",
					"alloca in an async function: the memory is gone after an "
					"await; use an "
					"array, or malloc and defer free");
	if (lower->function->body->has_await && is_unknown_jump(lower->source, node))
		diagnose_error(lower->tree, node->begin, "W014",
				node->kind == NODE_COMPUTED_GOTO
						? "computed goto in a function that awaits: use a switch"
						: "asm goto in a function that awaits: put it into a "
						  "plain function that tells where to go on");
	if (node->kind == NODE_VARIABLE && node->variable && node->variable->block &&
			node->variable->block->has_await && !node->variable->hoisted &&
			!node->variable->is_static &&
			type_is_variably_modified(node->variable->type))
		diagnose_error(lower->tree, node->variable->name_at, "W011",
				"`%s` has a variable length and is in scope of an await: allocate it",
				node->variable->name);
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i])
			check_supported(lower, node->child[i]);
}

/* ---- jumps and defer: the deferred of a block are known without looking where a jump came from ---- */

/* From after the statement to the end of its block. */
struct deferring {
	struct lower *lower;
	const struct node *defer, *block;
};

static bool is_deferring(const struct deferring *in, uint32_t at)
{
	return at > in->defer->begin && at < in->block->end;
}

/* It may go to each label. */
static void check_unknown_jump(const struct deferring *in, const struct node *node)
{
	for (struct label_home *label = in->lower->labels; label; label = label->next)
		if (is_deferring(in, label->node->begin) != is_deferring(in, node->begin)) {
			diagnose_error(in->lower->tree, node->begin, "W014",
					"this jump may pass a defer, and nobody knows: use a switch, or a "
					"plain goto");
			return;
		}
}

static void check_jump(const struct deferring *in, const struct node *node)
{
	const struct node *target, *around = node->parent;

	if (node->kind == NODE_CASE && is_deferring(in, node->begin)) {
		while (around && around->kind != NODE_SWITCH)
			around = around->parent;
		if (around && !is_deferring(in, around->begin))
			diagnose_error(in->lower->tree, node->begin, "W022",
					"this case is reached without the %s above it: give the "
					"statements from there on a block of their own",
					in->defer->kind == NODE_DEFER ? "defer" : "future");
	}
	if (!in->lower->function->body->has_await && is_unknown_jump(in->lower->source, node))
		check_unknown_jump(in, node);
	if (node->kind != NODE_GOTO)
		return;
	target = label_node(in->lower, node->name);
	if (!target || is_deferring(in, target->begin) == is_deferring(in, node->begin))
		return;
	if (is_deferring(in, target->begin))
		diagnose_error(in->lower->tree, node->begin, "W022",
				in->defer->kind == NODE_DEFER
						? "this goto jumps over a defer, whose statement would "
						  "run all the same"
						: "this goto jumps over the declaration of a future, "
						  "which would be awaited all the same");
	else if (in->defer->kind == NODE_DEFER && target->begin > in->block->begin &&
			target->begin < in->block->end)
		diagnose_error(in->lower->tree, node->begin, "W022",
				"this goto jumps back over a defer in its own block: put the block's "
				"statements into a loop");
}

static void check_jumps(const struct deferring *in, const struct node *node)
{
	check_jump(in, node);
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i])
			check_jumps(in, node->child[i]);
}

static bool cleans_up(const struct node *declaration)
{
	for (unsigned i = 0; declaration->kind == NODE_DECLARATION && i < declaration->count; i++)
		if (statement_cleans(declaration->child[i]->variable))
			return true;
	return false;
}

static void check_defers(struct lower *lower, const struct node *node)
{
	for (unsigned i = 0; i < node->count; i++) {
		const struct node *child = node->child[i], *deferred;

		if (!child)
			continue;
		deferred = node_deferred(child);
		if (node_is_value(node) &&
				(deferred || node_declares_future(child) || cleans_up(child)))
			diagnose_error(lower->tree, child->begin, "W020",
					"what is deferred runs after the value of ({ ... }) is known: "
					"give it a block of its own in there");
		else if (node->kind == NODE_BLOCK && (deferred || node_declares_future(child)))
			check_jumps(&(struct deferring){ lower, deferred ? deferred : child, node },
					lower->function->body);
		check_defers(lower, child);
	}
}

void lower_function(struct tree *tree, struct function *function, const struct edits *async_objects)
{
	struct lowered *to = arena_zalloc(&tree->arena, sizeof *to);
	struct lower lower = { .tree = tree,
		.source = tree->source,
		.function = function,
		.to = to,
		.out = &to->body };

	lower.scope = &lower.root;
	function->lowered = to;
	locals_find_hoisted(tree, function);
	name_members(&lower);
	find_labels(&lower, function->body);
	check_defers(&lower, function->body);
	future_check_uses(&lower, function->body);
	if (function->is_async) {
		check_supported(&lower, function->body);
		for (const struct variable *v = function->variables; v; v = v->next)
			if (v->hoisted || v->parameter >= 0)
				check_alignment(&lower, v);
	}
	check_function(tree, function);
	lower_name_types(&lower);
	for (size_t i = 0; i < async_objects->count; i++)
		if (async_objects->at[i].begin >= function->body_begin &&
				async_objects->at[i].begin < function->end)
			edits_add(&lower.edits, async_objects->at[i].begin,
					async_objects->at[i].end, async_objects->at[i].text);
	edit_names(&lower);
	edits_sort(&lower.edits);
	lower_lift_types(&lower);
	tree->is_inconsistent |= !edits_nest(&lower.edits);
	lower_statement(&lower, function->body);
	scope_text(&lower.root, &to->frame);
	free(lower.edits.at);
}
