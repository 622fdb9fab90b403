/* SPDX-License-Identifier: MIT */
/*
 * compiler/asyncify.c: every function async, every direct call awaited.
 *
 * A program that has been through this must print what it printed before: that is how the translator is
 * tested, with whatever C programs there are. A function stays plain if its address is taken, if it is
 * variadic, or if a function that stays plain calls it.
 */
#include "compiler/asyncify.h"

#include <clang-c/Index.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/lower.h"

struct candidate {
	uint32_t name_at; /* of the first declaration */
	bool stays_plain, is_defined;
	bool is_declared; /* first at file scope, not in a block or by being called */
};

struct call {
	size_t caller, callee; /* SIZE_MAX: no candidate */
	uint32_t at;
};

struct asyncify {
	const struct source *source;
	struct tree *tree;
	struct candidate *candidates;
	size_t candidate_count, candidate_capacity;
	struct call *calls;
	size_t call_count, call_capacity;
	struct edits declarations; /* `end` is the candidate */
	size_t caller;
};

static uint32_t offset_of(CXSourceLocation location)
{
	unsigned offset;

	clang_getFileLocation(location, NULL, NULL, NULL, &offset);
	return offset;
}

static uint32_t begin_of(CXCursor cursor)
{
	return offset_of(clang_getRangeStart(clang_getCursorExtent(cursor)));
}

static size_t candidate_of(struct asyncify *state, CXCursor function)
{
	CXCursor first = clang_getCanonicalCursor(function);
	uint32_t name_at = offset_of(clang_getCursorLocation(first));

	for (size_t i = 0; i < state->candidate_count; i++)
		if (state->candidates[i].name_at == name_at)
			return i;
	state->candidates = grow(state->candidates, state->candidate_count,
			&state->candidate_capacity, sizeof *state->candidates);
	state->candidates[state->candidate_count++] = (struct candidate){
		.name_at = name_at,
		.stays_plain = source_place(state->source, begin_of(function)).system,
	};
	return state->candidate_count - 1;
}

static CXCursor called(CXCursor call)
{
	CXCursor function = clang_getCursorReferenced(call);

	return function.kind == CXCursor_FunctionDecl ? function : clang_getNullCursor();
}

/* The operand of `a ?: b` is shown more than once. */
static bool is_known(const struct asyncify *state, uint32_t at)
{
	for (size_t i = 0; i < state->call_count; i++)
		if (state->calls[i].at == at)
			return true;
	return false;
}

/* What is chosen among is called, perhaps. */
static bool may_not_evaluate(const struct asyncify *state, CXCursor cursor)
{
	return cursor.kind == CXCursor_GenericSelectionExpr ||
			source_is_at(state->source, begin_of(cursor), "__builtin_choose_expr");
}

static enum CXChildVisitResult visit_unevaluated(
		CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct asyncify *state = data;
	CXCursor function = clang_getCursorReferenced(cursor);

	(void)parent;
	if (function.kind == CXCursor_FunctionDecl)
		state->candidates[candidate_of(state, function)].stays_plain = true;
	return CXChildVisit_Recurse;
}

static enum CXChildVisitResult visit_body(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct asyncify *state = data;

	if (cursor.kind == CXCursor_FunctionDecl) /* in a block */
		state->candidates[candidate_of(state, cursor)].stays_plain = true;
	if (may_not_evaluate(state, cursor)) {
		clang_visitChildren(cursor, visit_unevaluated, state);
		return CXChildVisit_Continue;
	}
	if (cursor.kind == CXCursor_CallExpr && !clang_Cursor_isNull(called(cursor)) &&
			!is_known(state, begin_of(cursor))) {
		state->calls = grow(state->calls, state->call_count, &state->call_capacity,
				sizeof *state->calls);
		state->calls[state->call_count++] = (struct call){ state->caller,
			candidate_of(state, called(cursor)), begin_of(cursor) };
	}
	if (cursor.kind == CXCursor_DeclRefExpr) {
		CXCursor function = clang_getCursorReferenced(cursor);
		bool is_callee = false;

		if (function.kind != CXCursor_FunctionDecl)
			return CXChildVisit_Recurse;
		/* The callee begins where its call does. */
		for (size_t i = state->call_count; i-- > 0 && !is_callee;)
			is_callee = state->calls[i].at <= begin_of(cursor) &&
					begin_of(cursor) - state->calls[i].at <= 2 &&
					state->calls[i].callee == candidate_of(state, function);
		if (!is_callee)
			state->candidates[candidate_of(state, function)].stays_plain = true;
	}
	(void)parent;
	return CXChildVisit_Recurse;
}

static enum CXChildVisitResult visit_file(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct asyncify *state = data;

	(void)parent;
	state->caller = SIZE_MAX;
	if (source_place(state->source, begin_of(cursor)).system)
		return CXChildVisit_Continue;
	if (cursor.kind == CXCursor_FunctionDecl) {
		size_t candidate = candidate_of(state, cursor);
		CXType type = clang_getCanonicalType(clang_getCursorType(cursor));

		edits_add(&state->declarations, begin_of(cursor), (uint32_t)candidate, "_Async ");
		if (clang_Cursor_isVariadic(cursor) || type.kind != CXType_FunctionProto ||
				(clang_Cursor_isFunctionInlined(cursor) &&
						clang_Cursor_getStorageClass(cursor) !=
								CX_SC_Static))
			state->candidates[candidate].stays_plain = true;
		state->candidates[candidate].is_declared |=
				clang_equalCursors(cursor, clang_getCanonicalCursor(cursor)) != 0;
		state->candidates[candidate].is_defined |= clang_isCursorDefinition(cursor) != 0;
		state->caller = candidate;
	}
	clang_visitChildren(cursor, visit_body, state);
	return CXChildVisit_Continue;
}

static bool is_async(const struct asyncify *state, size_t candidate)
{
	return candidate != SIZE_MAX && !state->candidates[candidate].stays_plain &&
			state->candidates[candidate].is_defined &&
			state->candidates[candidate].is_declared;
}

/* Those that cleanup attributes name are called by the compiler. */
static void keep_cleanups_plain(struct asyncify *state)
{
	const struct source *source = state->source;

	for (size_t i = 0; i + 2 < source->token_count; i++) {
		const struct token *name = &source->tokens[i + 2];

		if (!source_token_is(source, i, "cleanup") &&
				!source_token_is(source, i, "__cleanup__"))
			continue;
		for (size_t c = 0; c < state->candidate_count; c++)
			if (source_token_is(source,
					    source_token(source, state->candidates[c].name_at),
					    arena_copy(&state->tree->arena,
							    source->text + name->begin,
							    name->end - name->begin)))
				state->candidates[c].stays_plain = true;
	}
}

/* `int f(int), g(int);` makes both async, or none. Returns whether one has become plain. */
static bool plain_together(struct asyncify *state)
{
	bool changed = false;

	for (size_t i = 1; i < state->declarations.count; i++) {
		const struct edit *one = &state->declarations.at[i - 1], *other = one + 1;

		if (one->begin != other->begin ||
				is_async(state, one->end) == is_async(state, other->end))
			continue;
		state->candidates[one->end].stays_plain = true;
		state->candidates[other->end].stays_plain = true;
		changed = true;
	}
	return changed;
}

int asyncify(const char *text, size_t size, const struct translate_options *options,
		struct text *out)
{
	struct source source;
	struct tree tree;
	struct asyncify state = { .source = &source, .tree = &tree };
	struct edits edits = { NULL, 0, 0 };
	int err;

	source_scan(&source, text, size);
	err = tree_build(&tree, &source, options);
	if (!err) {
		clang_visitChildren(clang_getTranslationUnitCursor(tree.unit), visit_file, &state);
		keep_cleanups_plain(&state);
		for (bool changed = true; changed;) {
			changed = plain_together(&state);
			for (size_t i = 0; i < state.call_count; i++)
				if (!is_async(&state, state.calls[i].caller) &&
						is_async(&state, state.calls[i].callee)) {
					state.candidates[state.calls[i].callee].stays_plain = true;
					changed = true;
				}
		}
		for (size_t i = 0; i < state.declarations.count; i++)
			if (is_async(&state, state.declarations.at[i].end) &&
					(i == 0 ||
							state.declarations.at[i].begin !=
									state.declarations.at[i - 1]
											.begin))
				edits_add(&edits, state.declarations.at[i].begin,
						state.declarations.at[i].begin, "_Async ");
		for (size_t i = 0; i < state.call_count; i++)
			if (is_async(&state, state.calls[i].callee))
				edits_add(&edits, state.calls[i].at, state.calls[i].at, "_Await ");
		edits_sort(&edits);
		edits_render(&edits, &source, 0, source.size, out);
	}
	free(state.candidates);
	free(state.calls);
	free(state.declarations.at);
	free(edits.at);
	tree_free(&tree);
	source_free(&source);
	return err;
}
