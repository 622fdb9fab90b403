/* SPDX-License-Identifier: MIT */
/*
 * compiler/translate.c: the whole of it: what replaces what in a file.
 *
 * How         The output is the input with some ranges replaced: async declarators by what they declare
 *             (struct f__args, f__init, f__poll, f__async), bodies by the state machines that statement.c
 *             makes, names of async functions by the addresses of their descriptors. Every other byte is
 *             copied, and a linemarker after each replacement says where the copy goes on.
 * Frames      stand before the first function that embeds them, not where their function is defined: so
 *             the order of definitions costs nothing (frames.c says when that can be done).
 */
#include "compiler/translate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/asyncify.h"
#include "compiler/emit.h"
#include "compiler/splice.h"

/* ---- pointers to async functions ---- */

/* The first declarator begins at a `*` or `(`; what has neither ends before it. */
static size_t find_declarator(const struct source *source, size_t token)
{
	for (; token < source->token_count; token++) {
		char c = source->text[source->tokens[token].begin];

		if (source_is_attribute(source, token) && source_token_is(source, token + 1, "("))
			token = source_match(source, token + 1);
		else if (c && strchr("*(;={),[:", c))
			break;
	}
	return token;
}

/* `int async (*f)(int)`: the words of the type before it, storage classes apart. */
static size_t find_type(const struct source *source, size_t token)
{
	static const char *const others[] = { "static", "extern", "typedef", "register", "auto",
		"_Thread_local", "__thread", "__extension__", NULL };

	for (; token > 0 && source->tokens[token - 1].kind == TOKEN_WORD; token--)
		for (const char *const *word = others; *word; word++)
			if (source_token_is(source, token - 1, *word))
				return token;
	return token;
}

/* `R (*a)(A), (*b)(B)`: of the specifiers and of each declarator, which are copied one by one. */
static void edit_pointers(
		const struct source *source, struct edits *edits, size_t first, size_t open)
{
	uint32_t at = source->tokens[first].begin;

	while (source_token_is(source, open, "(") && source_token_is(source, open + 1, "*")) {
		size_t close = source_match(source, open);
		size_t parameters = source_match(source, close + 1);

		edits_add(edits, at, source->tokens[open + 1].end, "*");
		edits_add(edits, source->tokens[close].begin, source->tokens[parameters].end, "");
		for (open = parameters + 1; open < source->token_count; open++)
			if (source_token_is(source, open, "(") ||
					source_token_is(source, open, "{"))
				open = source_match(source, open);
			else if (strchr(",;)}", source->text[source->tokens[open].begin]))
				break;
		if (!source_token_is(source, open, ","))
			break;
		first = ++open;
		while (source_token_is(source, open, "*"))
			open++;
		at = source->tokens[first].begin;
	}
}

static void edit_async_object(struct tree *tree, struct edits *edits, size_t token)
{
	const struct source *source = tree->source;
	size_t type = find_type(source, token), first = find_declarator(source, token + 1),
	       open = first;
	uint32_t at = source->tokens[type].begin;

	while (open < source->token_count &&
			(source->tokens[open].kind == TOKEN_WORD ||
					source_token_is(source, open, "*")))
		open++; /* R *const (*f)(A) */
	if (!source_token_is(source, open, "(")) {
		if (first > token + 1) /* else it is a name: W110 */
			diagnose_error(tree, source->tokens[token].begin, "W018",
					"async stands before a function, or a pointer to one");
	} else if (source_token_is(source, open + 1, "*")) {
		edits_add(edits, at, source->tokens[first - 1].end, "const struct weft_async ");
		edit_pointers(source, edits, first, open);
	} else {
		edits_add(edits, at, source->tokens[open - 1].begin, "const struct weft_async ");
		edits_add(edits, source->tokens[open].begin,
				source->tokens[source_match(source, open)].end, "");
	}
}

/* Whether the word is of the declarator of a function itself, not of a parameter. */
static bool declares_function(const struct tree *tree, uint32_t at)
{
	const struct source *source = tree->source;

	for (struct function *f = tree->functions; f; f = f->next)
		for (size_t d = 0; d < f->declaration_count; d++) {
			struct declaration *declaration = &f->declarations[d];
			size_t first = source_token(source, declaration->begin);

			if (at < declaration->begin || at >= declaration->end)
				continue;
			while (first < source->token_count &&
					!source_token_is(source, first, f->name))
				first++;
			if (first == source->token_count || source->tokens[first].begin > at)
				return true;
		}
	return false;
}

/* `_Async R (*NAME)(A)` is `const struct weft_async *NAME`, `typedef _Async R NAME(A)` a typedef of the
 * descriptor; functions are declared elsewhere. */
static void find_async_objects(struct tree *tree, struct edits *edits)
{
	for (size_t i = 0; i < tree->source->token_count; i++)
		if (source_token_is(tree->source, i, "_Async") &&
				!declares_function(tree, tree->source->tokens[i].begin))
			edit_async_object(tree, edits, i);
}

/* Whether it declares an async function there. */
static bool declares_at(const struct tree *tree, uint32_t begin, uint32_t end, uint32_t declaration)
{
	for (const struct function *f = tree->functions; f; f = f->next)
		for (size_t d = 0; d < f->declaration_count; d++)
			if (f->is_async && f->declarations[d].begin == declaration &&
					f->declarations[d].name_at >= begin &&
					f->declarations[d].name_at < end)
				return true;
	return false;
}

/* `async int f(void), x;`: x would be lost, as what stands for the declaration is made of functions. */
static void check_declarators(struct tree *tree, const struct declaration *declaration)
{
	const struct source *source = tree->source;
	size_t first = source_token(source, declaration->begin);

	for (size_t i = first; i < source->token_count; i++) {
		if (source_token_is(source, i, "(") || source_token_is(source, i, "{"))
			i = source_match(source, i);
		if (!source_token_is(source, i, ",") && !source_token_is(source, i, ";"))
			continue;
		if (!declares_at(tree, source->tokens[first].begin, source->tokens[i].begin,
				    declaration->begin)) {
			diagnose_error(tree, source->tokens[first].begin, "W018",
					"this is declared together with an async function, and is "
					"none: give it a declaration of its own");
			return;
		}
		if (source_token_is(source, i, ";"))
			return;
		first = i + 1;
	}
}

static void check_declaration(struct tree *tree, const struct function *function)
{
	uint32_t at = function->declarations[0].begin;

	for (size_t d = 0; d < function->declaration_count; d++)
		if (!function->declarations[d].is_definition && function->declarations[d].is_first)
			check_declarators(tree, &function->declarations[d]);
	if (function->is_variadic)
		diagnose_error(tree, at, "W015",
				"`%s` is variadic: an async function keeps its arguments, so their "
				"number has to "
				"be known; pass an array",
				function->name);
	for (int i = 0; i < clang_getNumArgTypes(function->type); i++)
		if (type_is_variably_modified(clang_getArgType(function->type, (unsigned)i)))
			diagnose_error(tree, at, "W011",
					"a parameter of `%s` has a variable length: pass a pointer to "
					"elements, and the length",
					function->name);
	if (function->is_inline && !function->is_static)
		diagnose_error(tree, at, "W016",
				"an inline async function has to be static: `static inline`");
	if (!function->has_prototype)
		diagnose_error(tree, at, "W017", "`%s` has no prototype: write %s", function->name,
				clang_getNumArgTypes(function->type) > 0
						? "types in the parentheses"
						: "(void)");
}

/* ---- the file ---- */

static void add_replacement(struct replacements *list, struct replacement replacement)
{
	list->at = grow(list->at, list->count, &list->capacity, sizeof *list->at);
	list->at[list->count++] = replacement;
}

static int compare_replacements(const void *a, const void *b)
{
	const struct replacement *left = a, *right = b;

	return left->begin < right->begin ? -1 : left->begin > right->begin;
}

static uint32_t after_declaration(const struct source *source, uint32_t end)
{
	size_t i = source_token(source, end);

	for (; i < source->token_count; i++) {
		if (source_token_is(source, i, "("))
			i = source_match(source, i);
		else if (source_token_is(source, i, ";"))
			return source->tokens[i].end;
	}
	return end;
}

/* `async struct point { int x, y; } f(void)` also declares the struct. */
static void emit_declared_type(const struct source *source, uint32_t begin, struct text *out)
{
	size_t word = source_token(source, begin), i = word;

	for (; i < source->token_count && !source_token_is(source, i, "("); i++) {
		if (source_is_attribute(source, i) && source_token_is(source, i + 1, "("))
			i = source_match(source, i + 1);
		if (source_token_is(source, i, "struct") || source_token_is(source, i, "union") ||
				source_token_is(source, i, "enum"))
			word = i;
		if (source_token_is(source, i, "{")) {
			size_t close = source_match(source, i);

			source_mark(out, source_place(source, source->tokens[word].begin));
			text_add(out, source->text + source->tokens[word].begin,
					source->tokens[close].end - source->tokens[word].begin);
			text_puts(out, ";\n");
			return;
		}
	}
}

static bool has_plain_changes(const struct function *function)
{
	return !function->is_async && function->body;
}

/* The body of a plain function that uses what is async, or defers. */
static void emit_plain(struct tree *tree, struct function *function, struct text *out)
{
	struct place place = source_place(tree->source, function->body_begin);
	bool has_result = strstr(function->lowered->body.at, "weft_result") != NULL;

	if (has_result && !type_is_void(function->result))
		text_printf(out, "{ __typeof__(%s) weft_result; ",
				type_value_text(tree, function, function->begin, function->result));
	source_mark(out, place);
	text_puts(out, function->lowered->body.at);
	if (has_result && !type_is_void(function->result))
		text_puts(out, " }");
}

struct replacements replacements_find(struct tree *tree, const struct edits *async_objects)
{
	const struct source *source = tree->source;
	struct replacements list = { NULL, 0, 0 };

	for (struct function *f = tree->functions; f; f = f->next) {
		if (!f->is_async && !has_plain_changes(f))
			continue;
		for (size_t d = 0; d < f->declaration_count; d++) {
			struct declaration *declaration = &f->declarations[d];

			if (!f->is_async && !declaration->is_definition)
				continue;
			uint32_t begin = f->is_async ? declaration->begin : f->body_begin;
			uint32_t end = declaration->is_definition
					? f->end
					: after_declaration(source, declaration->end);

			add_replacement(&list,
					(struct replacement){ begin, end, f,
							declaration->is_definition, NULL });
		}
	}
	for (size_t i = 0; i < async_objects->count; i++)
		add_replacement(&list,
				(struct replacement){ async_objects->at[i].begin,
						async_objects->at[i].end, NULL, false,
						async_objects->at[i].text });
	for (size_t i = 0; i < tree->file_name_count; i++) {
		struct node *name = tree->file_names[i];

		add_replacement(&list,
				(struct replacement){ name->begin, name->end, NULL, false,
						async_address(tree, name) });
	}
	if (list.count)
		qsort(list.at, list.count, sizeof *list.at, compare_replacements);
	return list;
}

/* `async int f(int), g(int);` declares two functions. */
static void emit_prefixes(struct tree *tree, uint32_t begin, struct text *out)
{
	for (struct function *f = tree->functions; f; f = f->next)
		for (size_t d = 0; d < f->declaration_count; d++)
			if (f->is_async && f->declarations[d].begin == begin)
				emit_prefix(tree, f, out);
}

void replacement_emit(struct tree *tree, const struct replacement *replacement, struct text *out)
{
	struct function *function = replacement->function;

	if (replacement->text) {
		text_puts(out, replacement->text);
		return;
	}
	text_puts(out, "\n");
	if (function->is_async)
		emit_declared_type(tree->source, replacement->begin, out);
	if (!function->is_async)
		emit_plain(tree, function, out);
	else if (replacement->is_definition)
		emit_definition(tree, function, out);
	else
		emit_prefixes(tree, replacement->begin, out);
	source_mark(out, source_place(tree->source, replacement->end));
}

void replacement_declare(struct tree *tree, struct function *function, struct text *out)
{
	emit_prefix(tree, function, out);
}

static void emit_file(struct tree *tree, const struct replacements *list, struct text *out)
{
	const struct source *source = tree->source;
	uint32_t at = 0;
	size_t out_begin;

	for (size_t i = 0; i < list->count; i++) {
		if (list->at[i].begin < at) { /* inside of another */
			tree->is_inconsistent |= list->at[i].end > at;
			continue;
		}
		text_add(out, source->text + at, list->at[i].begin - at);
		out_begin = out->size;
		at = list->at[i].end;
		replacement_emit(tree, &list->at[i], out);
		applied_add(&tree->applied,
				(struct piece){ list->at[i].begin, list->at[i].end, out_begin,
						out->size });
	}
	text_add(out, source->text + at, source->size - at);
	tree->is_inconsistent |= !applied_check(&tree->applied, source->text, source->size, out);
}

bool translate_is_needed(const char *text, size_t size)
{
	static const char *const words[] = { "_Async", "_Await", "_Defer" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (memmem(text, size, words[i], strlen(words[i])))
			return true;
	return false;
}

/* The program made asynchronous first, as a test; then every await suspends. */
static int translate_asyncified(const char *text, size_t size,
		const struct translate_options *options, struct translation *result)
{
	struct text program = { NULL, 0, 0 };
	struct translate_options second = *options;
	int err = asyncify(text, size, options, &program);

	second.asyncify = false;
	second.suspend_always = true;
	if (!err)
		err = translate(program.at, program.size, &second, result);
	text_free(&program);
	return err;
}

static void lower_all(struct tree *tree, const struct edits *async_objects)
{
	frames_analyse(tree);
	for (struct function *f = tree->functions; f; f = f->next) {
		if (f->is_async && !f->is_foreign)
			check_declaration(tree, f);
		if (f->body)
			lower_function(tree, f, async_objects);
	}
}

/* The file, or the one function that is wanted. Returns whether it is the user's own file. */
static bool emit(struct tree *tree, const struct edits *async_objects, struct text *out)
{
	const char *name = tree->options->only_function;
	struct function *only = name ? tree_find(tree, name, strlen(name)) : NULL;
	bool is_spliced = false;

	if (!name) {
		struct replacements list = replacements_find(tree, async_objects);

		is_spliced = tree->options->original && splice(tree, &list, out);
		if (!is_spliced)
			emit_file(tree, &list, out);
		free(list.at);
	} else if (only && only->lowered) {
		emit_definition(tree, only, out);
	}
	return is_spliced;
}

static void lowered_free(struct lowered *lowered)
{
	text_free(&lowered->lifted);
	text_free(&lowered->frame);
	text_free(&lowered->body);
	free(lowered->points);
	free(lowered->embedded);
}

/* Nothing is better than something wrong. */
static int inconsistent(const struct translate_options *options, struct text *out)
{
	fprintf(stderr,
			"weftcc: error: %s: what was to stay as it is has changed in the translation; "
			"nothing is emitted\n",
			options->path);
	text_free(out);
	return -EPROTO;
}

int translate(const char *text, size_t size, const struct translate_options *options,
		struct translation *result)
{
	struct source source;
	struct tree tree;
	struct edits async_objects = { NULL, 0, 0 };
	struct text out = { NULL, 0, 0 };
	int err;

	*result = (struct translation){ 0 };
	if (options->asyncify)
		return translate_asyncified(text, size, options, result);
	source_scan(&source, text, size);
	err = tree_build(&tree, &source, options);
	if (!err) {
		find_async_objects(&tree, &async_objects);
		lower_all(&tree, &async_objects);
		if (tree.error_count)
			err = -EINVAL;
		else
			result->is_spliced = emit(&tree, &async_objects, &out);
		if (tree.is_inconsistent)
			err = inconsistent(options, &out);
	}
	result->error_count = tree.error_count;
	result->warning_count = tree.warning_count;
	result->text = out.at;
	result->size = out.size;
	for (struct function *f = tree.functions; f; f = f->next)
		if (f->lowered)
			lowered_free(f->lowered);
	free(async_objects.at);
	applied_free(&tree.applied);
	tree_free(&tree);
	source_free(&source);
	return err;
}
