/* SPDX-License-Identifier: MIT */
/*
 * compiler/declaration.c: declarations of locals, some of which move into the frame.
 *
 * A local that moves becomes a member, declared by the user's own text with its name and its array bounds
 * replaced; where it stood, only its initialiser remains, as an assignment.
 */
#include <string.h>

#include "compiler/lower.h"

static bool skips_a_group(const struct source *source, size_t token)
{
	static const char *const words[] = { "__attribute__", "__attribute", "_Alignas", "alignas",
		"__typeof__", "typeof", "__typeof", "_Atomic", "struct", "union", "enum",
		"__extension__" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (source_token_is(source, token, words[i]))
			return true;
	return false;
}

/* Where the specifiers end and the first declarator begins. */
static size_t first_declarator(const struct source *source, uint32_t begin, uint32_t name_at)
{
	size_t i = source_token(source, begin);

	while (i < source->token_count && source->tokens[i].begin < name_at) {
		if (source_token_is(source, i, "*") || source_token_is(source, i, "("))
			break;
		if (skips_a_group(source, i)) {
			i++;
			if (source->tokens[i].kind == TOKEN_WORD && !skips_a_group(source, i) &&
					source->tokens[i].begin < name_at)
				i++; /* a tag */
			while (source_token_is(source, i, "(") || source_token_is(source, i, "{"))
				i = source_match(source, i) + 1;
			continue;
		}
		i++;
	}
	return i;
}

/* The token after a declarator and its initialiser: `,` or `;`; or before it, `=`. */
static size_t declarator_end(const struct source *source, size_t from, bool at_equals)
{
	unsigned choices = 0; /* commas between `?` and `:` are operators */

	for (size_t i = from; i < source->token_count; i++) {
		char c = source->text[source->tokens[i].begin];

		if (source->tokens[i].kind != TOKEN_PUNCTUATION)
			continue;
		if (c == '(' || c == '[' || c == '{')
			i = source_match(source, i);
		else if (c == '?')
			choices++;
		else if (c == ':' && choices)
			choices--;
		else if ((c == ',' && !choices) || c == ';' ||
				(at_equals && source_token_is(source, i, "=")))
			return i;
	}
	return source->token_count - 1;
}

/* Whether the type depends on a value that is only known when the declaration is reached. */
bool type_is_variably_modified(CXType type)
{
	type = clang_getCanonicalType(type);
	if (type.kind == CXType_VariableArray)
		return true;
	if (type.kind == CXType_Pointer)
		return type_is_variably_modified(clang_getPointeeType(type));
	if (type.kind == CXType_ConstantArray)
		return type_is_variably_modified(clang_getArrayElementType(type));
	return false;
}

static bool has_token(
		const struct source *source, uint32_t begin, uint32_t end, const char *const *words)
{
	for (size_t i = source_token(source, begin);
			i < source->token_count && source->tokens[i].begin < end; i++)
		for (const char *const *word = words; *word; word++)
			if (source_token_is(source, i, *word))
				return true;
	return false;
}

/* The declarator under the name that it has in the frame, arrays with their bounds as numbers. */
static void member_declarator(struct lower *lower, size_t from, size_t to,
		const struct variable *variable, struct text *out)
{
	const struct source *source = lower->source;
	CXType type = variable->type;
	uint32_t at = source->tokens[from].begin;
	bool after_name = false;

	for (size_t i = from; i < to; i++) {
		const struct token *token = &source->tokens[i];

		if (token->begin == variable->name_at) {
			lower_render_outside(lower, at, token->begin, out);
			text_puts(out, variable->member);
			at = token->end;
			after_name = true;
		} else if (after_name && source_token_is(source, i, "[") && type_is_array(type)) {
			size_t close = source_match(source, i);
			CXType array = clang_getCanonicalType(type);

			lower_render_outside(lower, at, token->end, out);
			text_printf(out, "%lld", clang_getArraySize(array));
			type = clang_getArrayElementType(array);
			at = source->tokens[close].begin;
			i = close;
		} else if (after_name && source_token_is(source, i, "(")) {
			i = source_match(source, i);
		}
	}
	if (to > from)
		lower_render_outside(lower, at, source->tokens[to - 1].end, out);
}

/* Specifiers as they can stand in a struct. */
static void member_specifiers(struct lower *lower, uint32_t begin, size_t end, struct text *out)
{
	static const char *const dropped[] = { "register", "auto", NULL };
	const struct source *source = lower->source;
	uint32_t at = begin;

	for (size_t i = source_token(source, begin); i < end; i++)
		for (const char *const *word = dropped; *word; word++)
			if (source_token_is(source, i, *word)) {
				lower_render_outside(lower, at, source->tokens[i].begin, out);
				at = source->tokens[i].end;
			}
	if (end > 0 && source->tokens[end - 1].end > at)
		lower_render_outside(lower, at, source->tokens[end - 1].end, out);
}

/* `register i;`, and C23's `auto i = 1;` */
static bool names_no_type(const struct source *source, uint32_t begin, size_t end)
{
	static const char *const words[] = { "register", "auto", "const", "volatile" };

	for (size_t i = source_token(source, begin); i < end; i++) {
		bool is_word = false;

		for (size_t w = 0; w < sizeof words / sizeof *words; w++)
			is_word |= source_token_is(source, i, words[w]);
		if (!is_word)
			return false;
	}
	return true;
}

/* What a declaration says of alignment beside its type. */
static void copy_alignment(struct lower *lower, size_t from, size_t to, struct text *out)
{
	static const char *const words[] = { "__attribute__", "__attribute", "_Alignas",
		"alignas" };
	static const char *const aligned[] = { "aligned", "__aligned__", "_Alignas", "alignas",
		NULL };
	const struct source *source = lower->source;

	for (size_t i = from; i < to; i++) {
		uint32_t begin = source->tokens[i].begin, end;
		bool says_more = false;

		for (size_t w = 0; w < sizeof words / sizeof *words; w++)
			says_more |= source_token_is(source, i, words[w]);
		if (skips_a_group(source, i) && source_token_is(source, i + 1, "("))
			i = source_match(source, i + 1);
		end = source->tokens[i].end;
		if (says_more && has_token(source, begin, end, aligned)) {
			lower_render_outside(lower, begin, end, out);
			text_puts(out, " ");
		}
	}
}

static void hoist_variable(struct lower *lower, struct node *declaration, size_t specifiers_end,
		size_t from, size_t to, struct variable *variable)
{
	static const char *const deduced[] = { "typeof", "__typeof__", "__typeof", "__auto_type",
		NULL };
	static const char *const registers[] = { "asm", "__asm__", "__asm", NULL };
	struct text *members = &lower->scope->members;

	if (type_is_variably_modified(variable->type)) {
		diagnose_error(lower->tree, variable->name_at, "W011",
				"`%s` has a variable length and is in scope of an await: allocate it",
				variable->name);
		return;
	}
	if (has_token(lower->source, lower->source->tokens[from].begin,
			    lower->source->tokens[to].begin, registers)) {
		diagnose_error(lower->tree, variable->name_at, "W028",
				"`%s` is bound to a register, which has another value after an await: "
				"keep it in another variable meanwhile",
				variable->name);
		return;
	}
	text_puts(members, "\t");
	if (names_no_type(lower->source, declaration->begin, specifiers_end) ||
			has_token(lower->source, declaration->begin,
					lower->source->tokens[to].begin, deduced)) {
		copy_alignment(lower, source_token(lower->source, declaration->begin),
				specifiers_end, members);
		copy_alignment(lower, from, to, members);
		text_printf(members, "__typeof__(%s) %s",
				type_text(lower->tree, lower->function, variable->name_at,
						clang_getCanonicalType(variable->type)),
				variable->member);
	} else {
		member_specifiers(lower, declaration->begin, specifiers_end, members);
		text_puts(members, " ");
		member_declarator(lower, from, to, variable, members);
	}
	text_puts(members, ";\n");
}

static bool is_zero_list(const char *text)
{
	for (; *text; text++)
		if (!strchr("{} \n0", *text))
			return false;
	return true;
}

static void initialise(struct lower *lower, const struct variable *variable, struct node *value)
{
	const char *text = lower_expression(lower, value, false), *member = variable->member;
	bool has_braces = lower->source->text[value->begin] == '{';

	if (has_braces && is_zero_list(text) && type_is_aggregate(variable->type))
		text_printf(lower->out,
				"__builtin_memset((void *)&weft_f->%s, 0, sizeof weft_f->%s);",
				member, member);
	else if (has_braces || type_is_aggregate(variable->type) ||
			clang_isConstQualifiedType(variable->type))
		text_printf(lower->out,
				"__builtin_memcpy((void *)&weft_f->%s, (const void *)"
				"&(__typeof__(weft_f->%s)[1]){ %s }, sizeof weft_f->%s);",
				member, member, text, member);
	else
		text_printf(lower->out, "weft_f->%s = %s;", member, text);
}

/* Where nothing awaits nothing comes between the declarators, and a type in front of them stays there. */
static void declare_in_place(struct lower *lower, const struct node *node, const struct node *child,
		size_t specifiers_end, size_t from, size_t equals)
{
	const struct source *source = lower->source;
	bool together = !lower->function->body->has_await;
	bool is_last = !source_token_is(source, declarator_end(source, from, false), ",");
	const char *value = child && child->count ? lower_expression(lower, child->child[0], false)
						  : NULL;

	if (from == specifiers_end || !together)
		text_printf(lower->out, "%s ",
				lower_render(lower, node->begin,
						specifiers_end ? source->tokens[specifiers_end - 1]
										 .end
							       : node->begin));
	text_puts(lower->out,
			lower_render(lower, source->tokens[from].begin,
					source->tokens[equals].begin));
	if (value)
		text_printf(lower->out, "= %s", value);
	text_puts(lower->out, together && !is_last ? ", " : "; ");
}

/* `int f(void), x;`: the name of the first that is declared there, be it a function. */
static uint32_t first_name(const struct function *function, const struct node *declaration)
{
	uint32_t first = declaration->child[0]->variable->name_at;

	for (size_t i = 0; i < function->prototype_count; i++)
		if (function->prototypes[i] >= declaration->begin &&
				function->prototypes[i] < first)
			first = function->prototypes[i];
	return first;
}

static void lower_variable(struct lower *lower, struct node *node, struct node *child,
		size_t specifiers_end, size_t from)
{
	size_t equals = declarator_end(lower->source, from, true);
	struct variable *variable = child->variable;

	lower_sync(lower, variable->name_at);
	if (variable->future) {
		lower_future(lower, variable);
	} else if (variable->hoisted) {
		hoist_variable(lower, node, specifiers_end, from, equals, variable);
		if (statement_guards(lower, variable))
			lower_guard(lower, variable);
		if (child->count)
			initialise(lower, variable, child->child[0]);
		else if (lower->tree->options->sanitize_memory)
			text_printf(lower->out,
					"weft_frame_forget((const void *)&weft_f->%s, "
					"sizeof weft_f->%s); ",
					variable->member, variable->member);
	} else {
		declare_in_place(lower, node, child, specifiers_end, from, equals);
	}
	if (statement_cleans(variable))
		lower_cleanup(lower, variable);
}

void lower_declaration(struct lower *lower, struct node *node)
{
	const struct source *source = lower->source;
	size_t specifiers_end, from, end;
	unsigned next = 0;

	if (node->count == 0) { /* types only */
		lower_sync(lower, node->begin);
		text_puts(lower->out, lower_render(lower, node->begin, node->end));
		return;
	}
	specifiers_end = first_declarator(source, node->begin, first_name(lower->function, node));
	for (from = specifiers_end;; from = end + 1) {
		end = declarator_end(source, from, false);
		if (next < node->count &&
				node->child[next]->variable->name_at < source->tokens[end].begin)
			lower_variable(lower, node, node->child[next++], specifiers_end, from);
		else /* a function */
			declare_in_place(lower, node, NULL, specifiers_end, from, end);
		if (!source_token_is(source, end, ","))
			break;
	}
}
