/* SPDX-License-Identifier: MIT */
/*
 * compiler/lift.c: types that are declared inside of a function move to file scope.
 *
 * The frame is laid out at file scope, so the types of its members have to be known there, under names of
 * their own: a local `struct s` may hide another one. The definitions are copied from the source with
 * their uses renamed; where they stood only the new name remains, or nothing.
 */
#include <string.h>

#include "compiler/lower.h"

static const char *enumerator_name(struct lower *lower, uint32_t at, uint32_t size)
{
	return arena_printf(&lower->tree->arena, "%s__weft_%.*s", lower->function->name, (int)size,
			lower->source->text + at);
}

/* Gives the type and its enumerators their new names. */
static void rename_type(struct lower *lower, struct local_type *type, size_t number)
{
	type->lifted = arena_printf(&lower->tree->arena, "%s__weft_%.*s%zu", lower->function->name,
			type->is_anonymous ? 0 : (int)type->name_size,
			lower->source->text + type->name_at, number);
	for (unsigned e = 0; e < type->enumerator_count; e++) {
		uint32_t at = type->enumerators[e].at, size = type->enumerators[e].size;

		edits_add(&lower->edits, at, at + size, enumerator_name(lower, at, size));
	}
}

/* A use of the type, or of one of its enumerators. */
static void rename_use(
		struct lower *lower, const struct local_type *type, const struct type_use *use)
{
	uint32_t end = lower->source->tokens[source_token(lower->source, use->at)].end;

	if (type->name_at == use->declared_at && !type->is_anonymous)
		edits_add(&lower->edits, use->at, end, type->lifted);
	for (unsigned e = 0; e < type->enumerator_count; e++)
		if (type->enumerators[e].at == use->declared_at)
			edits_add(&lower->edits, use->at, end,
					enumerator_name(lower, use->declared_at,
							type->enumerators[e].size));
}

/* The definition at file scope, rendered with the new names. */
static void define(struct lower *lower, const struct local_type *type)
{
	const struct source *source = lower->source;
	struct text *out = &lower->to->lifted;
	size_t open = source_token(source, type->begin), end = source_token(source, type->end);

	if (type->is_typedef) {
		edits_render(&lower->edits, source, type->begin, type->name_at, out);
		text_puts(out, type->lifted);
		edits_render(&lower->edits, source, type->name_at + type->name_size, type->end,
				out);
		text_puts(out, ";\n");
		return;
	}
	while (open < end && !source_token_is(source, open, "{"))
		open++;
	if (open == end)
		return;
	edits_render(&lower->edits, source, type->begin,
			type->is_anonymous ? source->tokens[open].begin : type->name_at, out);
	text_printf(out, " %s ", type->lifted);
	edits_render(&lower->edits, source, source->tokens[open].begin, type->end, out);
	text_puts(out, ";\n");
}

/* Where it stood: nothing, or `struct lifted` before the variables of the same declaration. */
static void replace_definition(struct lower *lower, const struct local_type *type)
{
	const struct source *source = lower->source;
	const struct token *word = &source->tokens[source_token(source, type->begin)];
	size_t next = source_token(source, type->end);
	bool is_alone = source_token_is(source, next, ";");
	const char *text = "";

	if (!is_alone && !type->is_typedef)
		text = arena_printf(&lower->tree->arena, "%.*s %s", (int)(word->end - word->begin),
				source->text + word->begin, type->lifted);
	edits_add(&lower->edits, type->begin, is_alone ? source->tokens[next].end : type->end,
			text);
}

void lower_lift_types(struct lower *lower)
{
	struct function *function = lower->function;

	if (!function->is_async || !function->body->has_await)
		return;
	for (size_t i = 0; i < function->type_count; i++)
		rename_type(lower, &function->types[i], i + 1);
	for (size_t u = 0; u < function->type_use_count; u++)
		for (size_t i = 0; i < function->type_count; i++)
			rename_use(lower, &function->types[i], &function->type_uses[u]);
	edits_sort(&lower->edits);
	for (size_t i = 0; i < function->type_count; i++)
		define(lower, &function->types[i]);
	for (size_t i = 0; i < function->type_count; i++)
		replace_definition(lower, &function->types[i]);
}
