/* SPDX-License-Identifier: MIT */
/*
 * compiler/expression.c: expressions with awaits in them.
 *
 * lower_expression() emits the statements that have to run before, awaits among them, and returns the
 * text of an expression without await that has the value. The text is the user's, with what was awaited
 * replaced by where the result is.
 *
 * Order       Left to right. An operand with an effect that stands to the left of an await is evaluated
 *             into a temporary before it; what only reads is read after the last await. For `=` and `op=`
 *             the right side's awaits come first. `&&`, `||`, `?:` and `,` become statements if an await
 *             depends on them.
 * Results     stay in the child's frame, and the next child overwrites them: so a value that another await
 *             follows is copied into a temporary.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/call.h"
#include "compiler/words.h"
#include "compiler/tree_parts.h"

/* ---- text ---- */

const char *lower_render(struct lower *lower, uint32_t begin, uint32_t end)
{
	struct text text = { NULL, 0, 0 };
	const char *copy;

	edits_render(&lower->edits, lower->source, begin, end, &text);
	copy = arena_copy(&lower->tree->arena, text.at ? text.at : "", text.size);
	text_free(&text);
	return copy;
}

static const char *say(struct lower *lower, const char *format, const char *argument)
{
	struct text text = { NULL, 0, 0 };
	const char *copy;

	for (; *format; format++)
		if (*format == '@')
			text_puts(&text, argument);
		else
			text_add(&text, format, 1);
	copy = arena_copy(&lower->tree->arena, text.at ? text.at : "", text.size);
	text_free(&text);
	return copy;
}

bool type_is_void(CXType type)
{
	return clang_getCanonicalType(type).kind == CXType_Void;
}

const char *lower_temporary(struct lower *lower, uint32_t at, CXType type, bool in_frame)
{
	const char *text = type_value_text(lower->tree, lower->function, at, type);
	unsigned serial = ++lower->serial;

	if (in_frame && lower->function->is_async) {
		text_printf(&lower->scope->members, "\t__typeof__(%s) weft_t%u;\n", text, serial);
		return arena_printf(&lower->tree->arena, "weft_f->weft_t%u", serial);
	}
	text_printf(lower->out, "__typeof__(%s) weft_t%u; ", text, serial);
	return arena_printf(&lower->tree->arena, "weft_t%u", serial);
}

/* Whether it is `a, b`, as between `?` and `:`, behind a return, and at the end of ({ ... }). */
static bool is_comma(const char *value)
{
	int depth = 0;

	for (; *value; value++) {
		if (*value == '"' || *value == '\'') {
			for (char quote = *value++; *value && *value != quote; value++)
				value += *value == '\\' && value[1];
			if (!*value)
				return true; /* parentheses do no harm */
		} else if (strchr("([{", *value)) {
			depth++;
		} else if (strchr(")]}", *value)) {
			depth--;
		} else if (*value == ',' && depth == 0) {
			return true;
		}
	}
	return false;
}

void lower_store(struct text *out, const char *place, CXType type, const char *value)
{
	if (type_has_const_member(type))
		text_printf(out,
				"__builtin_memcpy((void *)&%s, (const void *)(__typeof__(%s)[1]){ (%s) }, "
				"sizeof %s); ",
				place, place, value, place);
	else
		text_printf(out, is_comma(value) ? "%s = (%s); " : "%s = %s; ", place, value);
}

static bool waits_for_branches(const char *name)
{
	return strcmp(name, "weft_join_") == 0 || strcmp(name, "weft_try_join_") == 0 ||
			strcmp(name, "weft_select_") == 0 ||
			strcmp(name, "weft_select_biased_") == 0;
}

static bool limits_a_branch(const char *name)
{
	return strcmp(name, "weft_timeout_") == 0 || strcmp(name, "weft_deadline_") == 0 ||
			strcmp(name, "weft_shield_") == 0 || strcmp(name, "weft_with_") == 0;
}

static const char *lower_await(struct lower *lower, struct node *node, bool follows)
{
	struct node *call = node_strip(node->child[0]), *inner;
	const char *name = call_name(call);

	if (!lower->function->is_async) {
		diagnose_error(lower->tree, node->begin, "W003",
				"await in `%s`, which is not async: declare it async, or use "
				"weft_run(call)",
				lower->function->name);
		return "0";
	}
	if (call->kind == NODE_NAME)
		return future_await(lower, node, call->variable, follows);
	if ((inner = marked_call(node->child[0], "weft_blocking_")))
		return job_await(lower, node, inner, follows);
	if (waits_for_branches(name))
		return branch_await_all(lower, node, call, follows);
	if (limits_a_branch(name))
		return branch_await_timed(lower, node, call, follows);
	if (call->kind != NODE_CALL || !call->is_async) {
		await_refuse(lower->tree, node->begin, call);
		return "0";
	}
	return call_await(lower, node, call, follows);
}

/* A task, wherever it is to be; NULL: that is not what the built-in does. */
static const char *lower_spawn(struct lower *lower, struct node *node, const char *name)
{
	static const char *const calls[][2] = { { "weft_spawn_", "weft_task_spawn((void *)0, " },
		{ "weft_spawn_local_", "weft_task_spawn_local(" },
		{ "weft_spawn_detached_", "weft_task_spawn_detached((void *)0, " },
		{ "weft_spawn_on_", "weft_task_spawn(" }, { "weft_spawn_in_", "weft_scope_spawn(" },
		{ "weft_spawn_in_on_", "weft_scope_spawn_on(" } };
	const char *head = NULL;
	struct branch branch;

	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (strcmp(name, calls[i][0]) == 0)
			head = calls[i][1];
	if (!head || !branch_parse(lower->tree, node->child[node->count - 1], &branch))
		return NULL;
	for (unsigned i = 1; i + 1 < node->count; i++)
		head = arena_printf(&lower->tree->arena, "%s%s, ", head,
				lower_expression(lower, node->child[i], false));
	return call_spawn(lower, &branch, head, ")");
}

/* A built-in that needs no await, or NULL. */
static const char *lower_builtin(struct lower *lower, struct node *node)
{
	const char *name = call_name(node);
	struct branch branch;
	struct node *inner = marked_call(node, "weft_run_");

	if (inner && node->kind == NODE_PAREN)
		return call_run(lower, node, inner);
	if (node->kind != NODE_CALL || !starts_with(name, "weft_"))
		return NULL;
	if (strcmp(name, "weft_cancelled_here_") == 0)
		return "weft_context_cancelled(weft_cx)";
	if (strcmp(name, "weft_now_here_") == 0)
		return "weft_now(weft_cx)";
	if (strcmp(name, "weft_start_") == 0)
		return future_start(lower, node);
	if (strcmp(name, "weft_cancel_") == 0)
		return future_cancel(lower, node);
	if (strcmp(name, "weft_set_push_") == 0 &&
			branch_parse(lower->tree, node->child[2], &branch))
		return branch_push(lower, node, &branch);
	if (waits_for_branches(name) || limits_a_branch(name)) {
		diagnose_error(lower->tree, node->begin, "W001",
				"this does nothing until it is awaited: write `await` before it");
		return "0";
	}
	return lower_spawn(lower, node, name);
}

/* ---- expressions ---- */

static bool is_of_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The node's own text with its children's replaced. */
static const char *compose(struct lower *lower, struct node *node, const char **values)
{
	struct text text = { NULL, 0, 0 };
	uint32_t at = node->begin;
	const char *copy;

	for (;;) { /* in the order of the text */
		struct node *next = NULL;
		const char *value = NULL;

		for (unsigned i = 0; i < node->count; i++)
			if (node->child[i] && values[i] && node->child[i]->begin >= at &&
					(!next || node->child[i]->begin < next->begin)) {
				next = node->child[i];
				value = values[i];
			}
		if (!next)
			break;
		edits_render(&lower->edits, lower->source, at, next->begin, &text);
		if (text.size && is_of_word(text.at[text.size - 1]) && is_of_word(*value))
			text_puts(&text, " "); /* __extension__({...}), and a name instead of it */
		text_puts(&text, value);
		at = next->end;
	}
	edits_render(&lower->edits, lower->source, at, node->end, &text);
	copy = arena_copy(&lower->tree->arena, text.at ? text.at : "", text.size);
	text_free(&text);
	return copy;
}

/* Whether the text of its value, awaits done, still does something. */
bool expression_leaves_effect(struct lower *lower, const struct node *node)
{
	size_t operator;

	if (!node->has_effect || node->kind == NODE_AWAIT ||
			(node->has_await && node->kind == NODE_STATEMENT_EXPRESSION))
		return false;
	if (!node->has_await || node->kind == NODE_CALL || node->kind == NODE_ASSIGN)
		return true;
	operator= operator_token(lower->source, node);
	if (node->kind == NODE_UNARY &&
			(source_token_is(lower->source, operator, "++") ||
					source_token_is(lower->source, operator, "--")))
		return true;
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i] && expression_leaves_effect(lower, node->child[i]))
			return true;
	return false;
}

/* Operands from left to right (an assignment: right before left), then the operation. */
static const char *lower_operands(struct lower *lower, struct node *node, bool follows)
{
	const char **values = arena_zalloc(&lower->tree->arena, (node->count + 1) * sizeof *values);
	bool reversed = node->kind == NODE_ASSIGN;

	for (unsigned n = 0; n < node->count; n++) {
		unsigned i = reversed ? node->count - 1 - n : n;
		struct node *child = node->child[i];
		bool later = false;

		if (!child)
			continue;
		for (unsigned m = n + 1; m < node->count; m++) {
			struct node *other = node->child[reversed ? node->count - 1 - m : m];

			later |= other && other->has_await;
		}
		/* what the operation itself computes is read by the text, so after everything here */
		values[i] = lower_expression(lower, child, follows || later);
		if (later && expression_leaves_effect(lower, child) && !reversed &&
				!type_is_void(child->type)) {
			const char *temporary =
					lower_temporary(lower, child->begin, child->type, true);

			lower_store(lower->out, temporary, child->type, values[i]);
			values[i] = temporary;
		}
	}
	return compose(lower, node, values);
}

static const char *lower_logical(struct lower *lower, struct node *node, bool follows, bool is_and)
{
	const char *left = lower_expression(lower, node->child[0], false);
	const char *temporary = lower_temporary(lower, node->begin, node->type, follows), *right;

	text_printf(lower->out, is_and ? "if (%s) { " : "if (!(%s)) { ", left);
	right = lower_expression(lower, node->child[1], false);
	text_printf(lower->out, "%s = !!(%s); } else %s = %d; ", temporary, right, temporary,
			!is_and);
	return temporary;
}

static const char *lower_conditional(struct lower *lower, struct node *node, bool follows)
{
	bool plain = type_is_void(node->type);
	const char *condition = lower_expression(lower, node->child[0], false), *temporary, *value;

	if (!node->child[1]) { /* a ?: b */
		temporary = lower_temporary(lower, node->begin, node->type, true);
		text_printf(lower->out, "%s = %s; if (!%s) { ", temporary, condition, temporary);
		value = lower_expression(lower, node->child[2], false);
		text_printf(lower->out, "%s = %s; } ", temporary, value);
		return temporary;
	}
	temporary = plain ? "((void)0)" : lower_temporary(lower, node->begin, node->type, follows);
	text_printf(lower->out, "if (%s) { ", condition);
	value = lower_expression(lower, node->child[1], false);
	if (plain)
		text_printf(lower->out, "%s; ", value);
	else
		lower_store(lower->out, temporary, node->type, value);
	text_puts(lower->out, "} else { ");
	value = lower_expression(lower, node->child[2], false);
	if (plain)
		text_printf(lower->out, "%s; ", value);
	else
		lower_store(lower->out, temporary, node->type, value);
	text_puts(lower->out, "} ");
	return temporary;
}

/* With an await in it the statements move out, and the value of the last one into a temporary. */
static const char *lower_statement_expression(struct lower *lower, struct node *node, bool follows)
{
	struct node *block = node->child[0];
	struct node *last = block->count ? block->child[block->count - 1] : NULL;
	uint32_t begin = last ? last->begin : 0;
	const char *temporary = "((void)0)";
	bool has_value;

	while (last && last->kind == NODE_LABEL) /* out: x; */
		last = last->child[0];
	has_value = last && !node_is_statement(last) && !type_is_void(node->type);

	if (has_value)
		temporary = lower_temporary(lower, node->begin, node->type, follows);
	text_puts(lower->out, "{ ");
	lower_scope_enter(lower, node);
	for (unsigned i = 0; i + has_value < block->count; i++)
		lower_statement(lower, block->child[i]);
	if (has_value) {
		const char *value;

		/* a statement's end has its semicolon */
		lower_sync(lower, begin);
		if (begin < last->begin)
			text_printf(lower->out, "%s ; ", lower_render(lower, begin, last->begin));
		value = lower_expression(lower, last, false);
		if (value[strlen(value) - 1] == ';')
			value = arena_copy(&lower->tree->arena, value, strlen(value) - 1);
		lower_store(lower->out, temporary, node->type, value);
	}
	lower_scope_pop(lower);
	text_puts(lower->out, "} ");
	return temporary;
}

/* Without one it stays, and its statements are lowered in place. */
static const char *lower_in_place(struct lower *lower, struct node *node)
{
	struct text text = { NULL, 0, 0 }, *out = lower->out;
	const char *copy;

	lower->out = &text;
	lower->out_file = NULL;
	lower->out_seen = 0;
	text_puts(&text, "(");
	lower_statement(lower, node->child[0]);
	text_puts(&text, ")");
	lower->out = out;
	lower->out_file = NULL;
	lower->out_seen = out->size;
	copy = arena_copy(&lower->tree->arena, text.at, text.size);
	text_free(&text);
	return copy;
}

/* Its storage moves into the frame, and is filled in whenever it is evaluated. */
static const char *lower_literal(struct lower *lower, struct node *node, bool follows)
{
	unsigned serial = ++lower->serial;
	const char *text = lower_operands(lower, node, follows), *type;

	type = type_is_array(node->type)
			? tree_type_name(lower->tree, node->type)
			: type_text(lower->tree, lower->function, node->begin, node->type);
	text_printf(&lower->scope->members, "\t__typeof__(%s) weft_k%u;\n", type, serial);
	return say(lower,
			arena_printf(&lower->tree->arena,
					"(*(__typeof__(weft_f->weft_k%u) *)"
					"__builtin_memcpy((void *)&weft_f->weft_k%u, "
					"(const void *)&@, sizeof weft_f->weft_k%u))",
					serial, serial, serial),
			text);
}

const char *lower_expression(struct lower *lower, struct node *node, bool follows)
{
	const char *builtin;

	if (!node->has_await && !node->has_statement && !node->has_builtin)
		return lower_render(lower, node->begin, node->end);
	if ((builtin = lower_builtin(lower, node)))
		return builtin;
	switch (node->kind) {
	case NODE_AWAIT:
		return lower_await(lower, node, follows);
	case NODE_CALL:
		if (node->is_async) {
			const char *name = call_name(node);

			diagnose_error(lower->tree, node->begin, "W001",
					"%s%s%s is async: a call of it does nothing until it is "
					"awaited or spawned; write `await` before it",
					*name ? "`" : "", *name ? name : "this", *name ? "`" : "");
			return "0";
		}
		break;
	case NODE_BINARY:
		if (node->child[1]->has_await && node_is_operator(lower->source, node, "&&"))
			return lower_logical(lower, node, follows, true);
		if (node->child[1]->has_await && node_is_operator(lower->source, node, "||"))
			return lower_logical(lower, node, follows, false);
		if (node->child[1]->has_await && node_is_operator(lower->source, node, ",")) {
			text_printf(lower->out, "(void)(%s); ",
					lower_expression(lower, node->child[0], false));
			return lower_expression(lower, node->child[1], follows);
		}
		break;
	case NODE_CONDITIONAL:
		if (node->child[2]->has_await || (node->child[1] && node->child[1]->has_await))
			return lower_conditional(lower, node, follows);
		break;
	case NODE_STATEMENT_EXPRESSION:
		return node->has_await ? lower_statement_expression(lower, node, follows)
				       : lower_in_place(lower, node);
	case NODE_COMPOUND_LITERAL:
		if (node->moves)
			return lower_literal(lower, node, follows);
		break;
	default:
		break;
	}
	return lower_operands(lower, node, follows);
}
