/* SPDX-License-Identifier: MIT */
/*
 * compiler/lift.c: types that are declared inside of a function that awaits.
 *
 * The frame stands at file scope, so the types of its members have to: their definitions move there under
 * names of their own, and every use of a tag, typedef or enumerator is renamed. What a definition takes
 * from the function is put in as an object of its type (bounds of members) or spelled out (typedefs).
 *
 *     enum { N = 3 };                      enum f__weft_1 { f__weft_1N = 3 };
 *     struct s { int at[N]; } s;     ->    struct f__weft_2s { int at[f__weft_1N]; };
 *                                          struct f__frame { ...; struct f__weft_2s s; };
 */
#include <string.h>

#include "compiler/lower.h"

static bool lifts(const struct lower *lower)
{
	return lower->function->is_async && lower->function->body->has_await;
}

void lower_name_types(struct lower *lower)
{
	struct function *function = lower->function;

	for (size_t i = 0; i < function->type_count && lifts(lower); i++) {
		struct local_type *type = &function->types[i];

		for (size_t before = 0; before < i && !type->lifted; before++)
			if (function->types[before].declared_at == type->declared_at &&
					function->types[before].is_typedef == type->is_typedef)
				type->lifted = function->types[before].lifted;
		if (!type->lifted)
			type->lifted = arena_printf(&lower->tree->arena, "%s__weft_%zu%.*s",
					function->name, i + 1,
					type->is_anonymous ? 0 : (int)type->name_size,
					lower->source->text + type->name_at);
	}
}

/* The name at file scope of what is declared at that offset, or NULL. */
static const char *lifted_name(struct lower *lower, uint32_t declared_at)
{
	const struct function *function = lower->function;

	for (size_t i = 0; i < function->type_count; i++) {
		const struct local_type *type = &function->types[i];

		if (type->declared_at == declared_at && !type->is_anonymous)
			return type->lifted;
		for (unsigned e = 0; e < type->enumerator_count; e++)
			if (type->enumerators[e].at == declared_at)
				return arena_printf(&lower->tree->arena, "%s__weft_%zu%.*s",
						function->name, i + 1,
						(int)type->enumerators[e].size,
						lower->source->text + declared_at);
	}
	return NULL;
}

static void rename_at(struct lower *lower, uint32_t at, uint32_t declared_at)
{
	const char *name = lifted_name(lower, declared_at);
	size_t token = source_token(lower->source, at);

	if (name)
		edits_add(&lower->edits, at, lower->source->tokens[token].end, name);
}

static void rename_all(struct lower *lower)
{
	struct function *function = lower->function;

	for (size_t i = 0; i < function->type_count; i++) {
		const struct local_type *type = &function->types[i];

		if (type->is_typedef)
			rename_at(lower, type->name_at, type->declared_at);
		for (unsigned e = 0; e < type->enumerator_count; e++)
			rename_at(lower, type->enumerators[e].at, type->enumerators[e].at);
	}
	for (size_t i = 0; i < function->type_use_count; i++)
		rename_at(lower, function->type_uses[i].at, function->type_uses[i].declared_at);
}

static const char *first_word(struct lower *lower, const struct local_type *type)
{
	const struct token *token =
			&lower->source->tokens[source_token(lower->source, type->begin)];

	return arena_copy(&lower->tree->arena, lower->source->text + token->begin,
			token->end - token->begin);
}

static size_t semicolon_after(const struct source *source, uint32_t at)
{
	size_t i = source_token(source, at);

	while (i + 1 < source->token_count && !source_token_is(source, i, ";"))
		i = source_token_is(source, i, "(") || source_token_is(source, i, "[")
				? source_match(source, i) + 1
				: i + 1;
	return i;
}

/* A type leaves its place: a definition that declares nothing else goes, otherwise its name stays. */
static void remove_definition(struct lower *lower, const struct local_type *type)
{
	const struct source *source = lower->source;
	size_t next = source_token(source, type->end);

	if (type->is_typedef)
		edits_add(&lower->edits, type->begin,
				source->tokens[semicolon_after(source, type->end)].end, "");
	else if (source_token_is(source, next, ";"))
		edits_add(&lower->edits, type->begin, source->tokens[next].end, "");
	else
		edits_add(&lower->edits, type->begin, type->end,
				arena_printf(&lower->tree->arena, "%s %s", first_word(lower, type),
						type->lifted));
}

/* `typedef struct s { ... } s, *p;` is one text with two names. */
static void lift_typedef(struct lower *lower, size_t index)
{
	const struct local_type *type = &lower->function->types[index];
	const struct source *source = lower->source;
	struct text *out = &lower->to->lifted;

	if (type->names_locals) {
		text_printf(out, "typedef __typeof__(%s) %s;\n",
				type_text(lower->tree, lower->function, type->name_at,
						type->underlying),
				type->lifted);
		return;
	}
	if (index > 0 && type[-1].is_typedef && type[-1].begin == type->begin)
		return;
	lower_render_outside(lower, type->begin,
			source->tokens[semicolon_after(source, type->end)].begin, out);
	text_puts(out, ";\n");
}

static void lift_definition(struct lower *lower, const struct local_type *type)
{
	const struct source *source = lower->source;
	size_t open = source_token(source, type->begin), end = source_token(source, type->end);
	struct text *out = &lower->to->lifted;

	while (open < end && !source_token_is(source, open, "{"))
		open++;
	if (open == end)
		return;
	lower_render_outside(lower, type->begin,
			type->is_anonymous ? source->tokens[open].begin : type->name_at, out);
	text_printf(out, " %s ", type->lifted);
	lower_render_outside(lower, source->tokens[open].begin, type->end, out);
	text_puts(out, ";\n");
}

void lower_lift_types(struct lower *lower)
{
	struct function *function = lower->function;

	if (!lifts(lower))
		return;
	rename_all(lower);
	for (size_t i = 0; i < function->type_count; i++)
		remove_definition(lower, &function->types[i]);
	edits_sort(&lower->edits);
	for (size_t i = 0; i < function->type_count; i++) {
		const char *word = first_word(lower, &function->types[i]);

		if (strcmp(word, "struct") == 0 || strcmp(word, "union") == 0)
			text_printf(&lower->to->lifted, "%s %s;\n", word,
					function->types[i].lifted);
	}
	for (size_t i = 0; i < function->type_count; i++)
		if (function->types[i].is_typedef)
			lift_typedef(lower, i);
		else
			lift_definition(lower, &function->types[i]);
}
