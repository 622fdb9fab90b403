/* SPDX-License-Identifier: MIT */
/*
 * compiler/frames.c: who awaits whom, and whose frame can be part of whose.
 *
 * A callee is embedded if its frame is known where the caller's is laid out: its definition stands above,
 * or can be moved there because no type that it uses is declared in between. Functions that await each
 * other in a circle, may be replaced (weak, interposable) or are known by prototype only get frames of
 * their own.
 */
#include <stdlib.h>
#include <string.h>

#include "compiler/lower.h"

static void add_callee(struct function *caller, struct function *callee)
{
	for (size_t i = 0; i < caller->callee_count; i++)
		if (caller->callees[i] == callee)
			return;
	caller->callees = grow(caller->callees, caller->callee_count, &caller->callee_capacity,
			sizeof *caller->callees);
	caller->callees[caller->callee_count++] = callee;
}

static void find_callees(struct tree *tree, struct function *function, struct node *node)
{
	struct node *call = node->kind == NODE_AWAIT ? node_strip(node->child[0]) : NULL;

	if (node->kind == NODE_VARIABLE && node->variable && node->variable->future &&
			node->variable->future->function)
		add_callee(function, node->variable->future->function);
	if (call && call->kind == NODE_CALL) {
		struct node *callee = node_strip(call->child[0]);
		struct branch branch;

		if (callee->kind == NODE_NAME && callee->function)
			add_callee(function, callee->function);
		for (unsigned i = 1; i < call->count; i++)
			if (branch_parse(tree, call->child[i], &branch) &&
					branch.call->kind == NODE_CALL) {
				callee = node_strip(branch.call->child[0]);
				if (callee->kind == NODE_NAME && callee->function)
					add_callee(function, callee->function);
			}
	}
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i])
			find_callees(tree, function, node->child[i]);
}

/* ---- circles: Tarjan's strongly connected components; `low` names the component at the end ---- */

struct circles {
	struct function *stack[4096];
	size_t depth;
	unsigned order, component;
};

static void visit(struct circles *circles, struct function *function)
{
	unsigned low = ++circles->order;

	function->order = function->low = low;
	if (circles->depth == sizeof circles->stack / sizeof *circles->stack)
		return;
	circles->stack[circles->depth++] = function;
	function->on_stack = true;
	for (size_t i = 0; i < function->callee_count; i++) {
		struct function *callee = function->callees[i];

		if (callee == function)
			function->is_recursive = true;
		if (!callee->order)
			visit(circles, callee);
		else if (!callee->on_stack)
			continue;
		if (callee->low < function->low)
			function->low = callee->low;
	}
	if (function->low != function->order)
		return;
	for (struct function *member = NULL; member != function;) {
		bool alone = circles->stack[circles->depth - 1] == function && member == NULL;

		member = circles->stack[--circles->depth];
		member->on_stack = false;
		member->is_recursive |= !alone;
		member->low = function->order;
	}
}

/* What a frame needs, its children need. */
static void spread_needs(struct tree *tree)
{
	for (bool changed = true; changed;) {
		changed = false;
		for (struct function *f = tree->functions; f; f = f->next)
			for (size_t i = 0; i < f->callee_count; i++) {
				struct function *callee = f->callees[i];

				if (callee->is_defined && callee->low != f->low &&
						callee->needs > f->needs) {
					f->needs = callee->needs;
					changed = true;
				}
			}
	}
}

void frames_analyse(struct tree *tree)
{
	struct circles *circles = arena_zalloc(&tree->arena, sizeof *circles);

	for (struct function *f = tree->functions; f; f = f->next)
		if (f->body)
			find_callees(tree, f, f->body);
	for (struct function *f = tree->functions; f; f = f->next)
		if (!f->order)
			visit(circles, f);
	spread_needs(tree);
}

bool frames_embeds(const struct tree *tree, const struct function *caller,
		const struct function *callee)
{
	if (callee->has_foreign_frame)
		return true;
	if (!callee->is_defined || !callee->is_async || callee->is_weak)
		return false;
	if (tree->options->interposable && !callee->is_static)
		return false;
	if (callee->is_recursive && callee->low == caller->low)
		return false;
	return callee->begin < caller->begin || callee->needs <= caller->begin;
}
