/* SPDX-License-Identifier: MIT */
/*
 * compiler/verbatim.c: which statements are copied as they stand, and what is copied between them.
 */
#include <string.h>

#include "compiler/lower.h"

bool statement_cleans(const struct variable *variable)
{
	if (!variable || !variable->cleanup || variable->is_static)
		return false;
	if (variable->hoisted)
		return true;
	/* its turn among the deferred statements of the block */
	for (unsigned i = 0; variable->block && i < variable->block->count; i++)
		if (variable->block->child[i] && node_deferred(variable->block->child[i]))
			return true;
	return false;
}

static bool is_verbatim(
		const struct lower *lower, const struct node *node, bool in_loop, bool in_switch)
{
	bool returns_plainly = !lower->function->is_async;

	if (node->has_await || node->has_statement || node->has_builtin)
		return false;
	switch (node->kind) {
	case NODE_RETURN:
		if (!returns_plainly || lower->layer)
			return false;
		break;
	case NODE_DEFER:
		return false;
	case NODE_GOTO:
		if (lower->layer)
			return false;
		break;
	case NODE_BREAK:
		if (!in_loop && !in_switch && lower->layer)
			return false;
		break;
	case NODE_CONTINUE:
		if (!in_loop && lower->layer)
			return false;
		break;
	case NODE_VARIABLE:
		if (node->variable && (node->variable->hoisted || statement_cleans(node->variable)))
			return false;
		break;
	case NODE_FOR:
	case NODE_WHILE:
	case NODE_DO:
		in_loop = in_switch = true;
		break;
	case NODE_SWITCH:
		in_switch = true;
		break;
	default:
		break;
	}
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i] && !is_verbatim(lower, node->child[i], in_loop, in_switch))
			return false;
	return true;
}

bool statement_is_verbatim(const struct lower *lower, const struct node *node)
{
	return is_verbatim(lower, node, false, false);
}

/* Of a loop that awaits, no loop may be left to unroll. */
void lower_pragmas(struct lower *lower, uint32_t begin, const struct node *next)
{
	bool was_loop = node_is_loop(next) && next->has_await;
	uint32_t end = next->begin;

	for (uint32_t i = begin; i + 7 < end; i++)
		if (source_is_at(lower->source, i, "#pragma")) {
			const char *newline = memchr(lower->source->text + i, '\n', end - i);
			size_t size = newline ? (size_t)(newline - lower->source->text - i)
					      : end - i;

			if (was_loop && !memmem(lower->source->text + i, size, "diagnostic", 10))
				continue;
			text_puts(lower->out, "\n");
			text_add(lower->out, lower->source->text + i, size);
			lower->out_file = NULL; /* so that a line begins */
		}
}
