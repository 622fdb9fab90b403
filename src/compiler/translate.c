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
#include <stdlib.h>
#include <string.h>

#include "compiler/asyncify.h"
#include "compiler/splice.h"

/* ---- edits ---- */

void edits_add(struct edits *edits, uint32_t begin, uint32_t end, const char *text)
{
	edits->at = grow(edits->at, edits->count, &edits->capacity, sizeof *edits->at);
	edits->at[edits->count++] = (struct edit){ begin, end, text };
}

static int compare_edits(const void *a, const void *b)
{
	const struct edit *left = a, *right = b;

	if (left->begin != right->begin)
		return left->begin < right->begin ? -1 : 1;
	return left->end > right->end ? -1 : left->end < right->end; /* the outer one first */
}

void edits_sort(struct edits *edits)
{
	if (edits->count)
		qsort(edits->at, edits->count, sizeof *edits->at, compare_edits);
}

/* What is inside of an edit belongs to it; an edit that does not fit into the range does not count. */
void edits_render(const struct edits *edits, const struct source *source, uint32_t begin,
		uint32_t end, struct text *out)
{
	size_t low = 0, high = edits->count;
	uint32_t at = begin;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (edits->at[middle].begin < begin)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < edits->count && edits->at[low].begin < end; low++) {
		const struct edit *edit = &edits->at[low];

		if (edit->begin < at || edit->end > end)
			continue;
		text_add(out, source->text + at, edit->begin - at);
		text_puts(out, edit->text);
		at = edit->end;
	}
	if (end > at)
		text_add(out, source->text + at, end - at);
}

/* ---- pointers to async functions ---- */

/* `_Async R (*NAME)(A)` is `const struct weft_async *NAME`, `typedef _Async R NAME(A)` a typedef of the
 * descriptor; functions are declared elsewhere. */
static void find_async_objects(struct tree *tree, struct edits *edits)
{
	const struct source *source = tree->source;

	for (size_t i = 0; i < source->token_count; i++) {
		bool declares_function = false;
		size_t open, close, parameters;
		uint32_t at = source->tokens[i].begin;

		if (!source_token_is(source, i, "_Async"))
			continue;
		for (struct function *f = tree->functions; f; f = f->next)
			for (size_t d = 0; d < f->declaration_count; d++) {
				/* of the declarator itself, not of a parameter */
				struct declaration *declaration = &f->declarations[d];
				size_t first = source_token(source, declaration->begin);

				if (at < declaration->begin || at >= declaration->end)
					continue;
				while (!source_token_is(source, first, f->name))
					first++;
				declares_function |= source->tokens[first].begin > at;
			}
		if (declares_function)
			continue;
		for (open = i + 1;
				open < source->token_count && !source_token_is(source, open, "(");
				open++)
			if (source_token_is(source, open, ";"))
				break;
		if (!source_token_is(source, open, "("))
			continue;
		if (source_token_is(source, open + 1, "*")) {
			close = source_match(source, open);
			parameters = source_match(source, close + 1);
			edits_add(edits, at, source->tokens[open + 1].end,
					"const struct weft_async *");
			edits_add(edits, source->tokens[close].begin,
					source->tokens[parameters].end, "");
		} else {
			parameters = source_match(source, open);
			edits_add(edits, at, source->tokens[open - 1].begin,
					"const struct weft_async ");
			edits_add(edits, source->tokens[open].begin, source->tokens[parameters].end,
					"");
		}
	}
}

/* ---- what a function declares ---- */

static bool is_void_result(const struct function *function)
{
	return clang_getCanonicalType(function->result).kind == CXType_Void;
}

static const char *linkage(const struct function *function)
{
	return function->is_static ? "static " : "";
}

/* `#pragma pack` is for the user's structs; a frame has to look the same in every file. */
static void suspend_packing(const struct tree *tree, struct text *out)
{
	if (memmem(tree->source->text, tree->source->size, "#pragma pack", 12))
		text_puts(out, "\n#pragma pack(push)\n#pragma pack()\n");
}

static void resume_packing(const struct tree *tree, struct text *out)
{
	if (memmem(tree->source->text, tree->source->size, "#pragma pack", 12))
		text_puts(out, "#pragma pack(pop)\n");
}

/* struct f__args, f__init, f__poll and f__async. */
static void emit_prefix(struct tree *tree, struct function *function, struct text *out)
{
	int count = clang_getNumArgTypes(function->type);

	if (function->args_emitted || function->is_foreign)
		return;
	function->args_emitted = true;
	suspend_packing(tree, out);
	text_printf(out, "struct %s__args {\n\tstruct weft_frame base;\n", function->name);
	if (!is_void_result(function))
		text_printf(out, "\t__typeof__(%s) result;\n",
				type_value_text(tree, NULL, function->declarations[0].begin,
						function->result));
	for (int i = 0; i < count; i++)
		text_printf(out, "\t__typeof__(%s) p%d;\n",
				type_value_text(tree, NULL, function->declarations[0].begin,
						clang_getArgType(function->type, (unsigned)i)),
				i);
	text_puts(out, "};\n");
	resume_packing(tree, out);
	source_mark_own(out);
	text_printf(out,
			"%s__attribute__((__unused__)) static inline void "
			"%s__init(struct %s__args *weft_a",
			lower_uncounted(tree), function->name, function->name);
	for (int i = 0; i < count; i++)
		text_printf(out, ", __typeof__(%s) p%d",
				type_value_text(tree, NULL, function->declarations[0].begin,
						clang_getArgType(function->type, (unsigned)i)),
				i);
	text_puts(out, ")\n{\n\tweft_a->base.at = 0;\n\t");
	for (int i = 0; i < count; i++)
		lower_store(out, arena_printf(&tree->arena, "weft_a->p%d", i),
				clang_getArgType(function->type, (unsigned)i),
				arena_printf(&tree->arena, "p%d", i));
	text_printf(out,
			"\n}\n%senum weft_poll %s__poll(void *frame, struct weft_context *cx);\n"
			"%s%sconst struct weft_async %s__async;\n",
			linkage(function), function->name,
			function->is_static ? "static " : "extern ",
			function->is_weak ? "__attribute__((__weak__)) " : "", function->name);
}

/* struct f__names: what debuggers know struct f__args as: in it the parameters have their names. */
static void emit_names(struct tree *tree, const struct function *function, struct text *out)
{
	text_printf(out, "struct %s__names {\n\tstruct weft_frame weft_base;\n", function->name);
	if (!is_void_result(function))
		text_printf(out, "\t__typeof__(%s) weft_result;\n",
				type_value_text(tree, NULL, function->declarations[0].begin,
						function->result));
	for (const struct variable *v = function->variables; v; v = v->next)
		if (v->parameter >= 0)
			text_printf(out, "\t__typeof__(%s) %s;\n",
					type_value_text(tree, NULL, function->declarations[0].begin,
							clang_getArgType(function->type,
									(unsigned)v->parameter)),
					*v->name ? v->name
						 : arena_printf(&tree->arena, "weft_p%d",
								   v->parameter));
	text_puts(out, "};\n");
}

static void emit_frame(struct tree *tree, struct function *function, struct text *out)
{
	if (function->frame_emitted || function->has_foreign_frame || !function->lowered)
		return;
	function->frame_emitted = true;
	for (size_t i = 0; i < function->lowered->embedded_count; i++) {
		struct function *child = (struct function *)function->lowered->embedded[i];

		emit_frame(tree, child, out);
	}
	emit_prefix(tree, function, out);
	if (function->lowered->lifted.size)
		text_puts(out, function->lowered->lifted.at);
	emit_names(tree, function, out);
	suspend_packing(tree, out);
	text_printf(out, "struct %s__frame {\n\tstruct %s__args args;\n%s};\n", function->name,
			function->name,
			function->lowered->frame.at ? function->lowered->frame.at : "");
	resume_packing(tree, out);
}

static const char *result_flag(const struct function *function)
{
	switch (clang_getCanonicalType(function->result).kind) {
	case CXType_Int:
		return "WEFT_ASYNC_RESULT_INT";
	case CXType_Long:
		return "WEFT_ASYNC_RESULT_SSIZE";
	default:
		return "0";
	}
}

static void emit_descriptor(struct function *function, struct place place, struct text *out)
{
	const struct lowered *lowered = function->lowered;
	const char *name = function->name;

	if (lowered->point_count) {
		text_printf(out, "static const struct weft_point %s__points[] = {\n", name);
		for (size_t i = 0; i < lowered->point_count; i++) {
			const struct point *point = &lowered->points[i];

			text_printf(out,
					"\t{ %uu, (uint32_t)__builtin_offsetof(struct %s__frame, %s), ",
					point->place.line, name, point->member);
			if (point->child)
				text_printf(out, "&%s__async", point->child->name);
			else
				text_puts(out, "0");
			text_printf(out, ", %s },\n", point->flags);
		}
		text_puts(out, "};\n");
	}
	if (lowered->embedded_count) {
		text_printf(out, "static const struct weft_embedded %s__embedded[] = {\n", name);
		for (size_t i = 0; i < lowered->embedded_count; i++)
			text_printf(out, "\t{ &%s__async, (uint32_t)sizeof(struct %s__frame) },\n",
					lowered->embedded[i]->name, lowered->embedded[i]->name);
		text_puts(out, "};\n");
	}
	text_printf(out,
			"%sconst struct weft_async %s__async = {\n\t.magic = 0x77656674u, .abi = 1,\n"
			"\t.flags = %s%s,\n\t.name = \"%s\", .file = \"%s\", .line = %uu,\n"
			"\t.poll = %s__poll,\n\t.frame_size = sizeof(struct %s__frame),\n"
			"\t.frame_align = __alignof__(struct %s__frame),\n"
			"\t.args_size = sizeof(struct %s__args),\n",
			linkage(function), name, result_flag(function),
			lowered->point_count ? "" : " | WEFT_ASYNC_LEAF", name, place.file,
			place.line, name, name, name, name);
	if (!is_void_result(function))
		text_printf(out,
				"\t.result_offset = __builtin_offsetof(struct %s__args, result),\n"
				"\t.result_size = sizeof(((struct %s__args *)0)->result),\n",
				name, name);
	if (lowered->point_count)
		text_printf(out, "\t.points = %s__points, .point_count = %zu,\n", name,
				lowered->point_count);
	if (lowered->embedded_count)
		text_printf(out, "\t.embedded = %s__embedded, .embedded_count = %zu,\n", name,
				lowered->embedded_count);
	text_puts(out, "};\n");
}

/* Attributes that mean the same for the function that is polled. */
static void emit_attributes(
		const struct source *source, const struct function *function, struct text *out)
{
	static const char *const carried[] = { "visibility", "section", "target", "optimize",
		"cold", "hot", "no_sanitize", "no_sanitize_address", "no_sanitize_thread",
		"no_sanitize_undefined", "used", "noinline", "noclone", "weak", "__visibility__",
		"__section__", "__target__", "__optimize__", "__cold__", "__hot__",
		"__no_sanitize__", "__used__", "__noinline__", "__noclone__", "__weak__" };

	for (size_t d = 0; d < function->declaration_count; d++)
		for (size_t i = source_token(source, function->declarations[d].begin);
				i < source->token_count &&
				source->tokens[i].begin < function->declarations[d].end;
				i++) {
			size_t close;

			if (!source_token_is(source, i, "__attribute__"))
				continue;
			close = source_match(source, i + 1);
			for (size_t t = i + 3; t + 1 < close; t++) {
				size_t end = source_token_is(source, t + 1, "(")
						? source_match(source, t + 1)
						: t;

				for (size_t c = 0; c < sizeof carried / sizeof *carried; c++)
					if (source_token_is(source, t, carried[c]))
						text_printf(out, "__attribute__((%.*s)) ",
								(int)(source->tokens[end].end -
										source->tokens[t]
												.begin),
								source->text + source->tokens[t].begin);
				t = end;
			}
			i = close;
		}
}

/* Going on at a point belongs to the line of its await, in a column and a block of its own: so debuggers
 * that shall stop at the line stop when it is first executed, and at each resume. Costs nothing at -O1. */
static void emit_dispatch(const struct function *function, struct place place, struct text *out)
{
	const struct point *points = function->lowered->points;

	text_puts(out, "switch (weft_f->args.base.at) { case 0: break;");
	for (size_t i = 0; i < function->lowered->point_count; i++) {
		if (i == 0 || points[i].place.line != points[i - 1].place.line)
			source_mark(out, points[i].place);
		text_printf(out, "case %zu: { int weft_on = 1; (void)weft_on; goto weft_%zu; }",
				i + 1, i + 1);
	}
	source_mark(out, place);
	text_puts(out, "default: weft_frame_misuse(&weft_f->args.base); } ");
}

static void emit_definition(struct tree *tree, struct function *function, struct text *out)
{
	const struct lowered *lowered = function->lowered;
	struct place place = source_place(tree->source, function->begin);
	bool is_main = strcmp(function->name, "main") == 0;

	emit_frame(tree, function, out);
	if (lowered->uses_func_name)
		text_printf(out, "static const char %s__weft_func[] = \"%s\";\n", function->name,
				function->name);
	source_mark(out, place);
	emit_attributes(tree->source, function, out);
	text_printf(out,
			"%senum weft_poll %s__poll(void *weft_frame, struct weft_context *weft_cx) ",
			linkage(function), function->name);
	text_printf(out,
			"{ struct %s__frame *const weft_f = weft_frame; (void)weft_cx; "
			"(void)(struct %s__names *)weft_f; ",
			function->name, function->name);
	if (lowered->point_count)
		emit_dispatch(function, place, out);
	text_puts(out, "\n");
	text_puts(out, lowered->body.at); /* begins with a linemarker */
	if (is_main)
		text_puts(out, " weft_f->args.result = 0;");
	text_puts(out, " weft_f->args.base.at = 4294967295u; return WEFT_READY; }\n");
	source_mark(out, place);
	emit_descriptor(function, place, out);
	if (is_main) {
		int count = clang_getNumArgTypes(function->type);

		source_mark(out, place);
		text_printf(out,
				"%sint main(int weft_argc, char **weft_argv) "
				"{ struct main__args weft_args; "
				"(void)weft_argc, (void)weft_argv; main__init(&weft_args%s%s); "
				"return weft_async_main(&main__async, &weft_args); }\n",
				lower_uncounted(tree), count > 0 ? ", weft_argc" : "",
				count > 1 ? ", weft_argv" : "");
	}
}

static void check_declaration(struct tree *tree, const struct function *function)
{
	uint32_t at = function->declarations[0].begin;

	if (function->is_variadic)
		diagnose_error(tree, at, "W015",
				"`%s` is variadic: an async function keeps its arguments, so their "
				"number has to "
				"be known; pass an array",
				function->name);
	if (function->is_inline && !function->is_static)
		diagnose_error(tree, at, "W016",
				"an inline async function has to be static: `static inline`");
	if (!function->has_prototype)
		diagnose_error(tree, at, "W017", "`%s` has no prototype: write (void)",
				function->name);
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

	if (has_result && !is_void_result(function))
		text_printf(out, "{ __typeof__(%s) weft_result; ",
				type_value_text(tree, function, function->begin, function->result));
	source_mark(out, place);
	text_puts(out, function->lowered->body.at);
	if (has_result && !is_void_result(function))
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

	for (size_t i = 0; i < list->count; i++) {
		if (list->at[i].begin < at)
			continue; /* inside of another */
		text_add(out, source->text + at, list->at[i].begin - at);
		at = list->at[i].end;
		replacement_emit(tree, &list->at[i], out);
	}
	text_add(out, source->text + at, source->size - at);
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
	struct replacements list;
	bool is_spliced;

	if (name) {
		struct function *only = tree_find(tree, name, strlen(name));

		if (only && only->lowered)
			emit_definition(tree, only, out);
		return false;
	}
	list = replacements_find(tree, async_objects);
	is_spliced = tree->options->original && splice(tree, &list, out);
	if (!is_spliced)
		emit_file(tree, &list, out);
	free(list.at);
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

int translate(const char *text, size_t size, const struct translate_options *options,
		struct translation *result)
{
	struct source source;
	struct tree tree;
	struct edits async_objects = { NULL, 0, 0 };
	struct text out = { NULL, 0, 0 };
	int err;

	memset(result, 0, sizeof *result);
	if (options->asyncify)
		return translate_asyncified(text, size, options, result);
	source_scan(&source, text, size);
	err = tree_build(&tree, &source, options);
	if (!err) {
		find_async_objects(&tree, &async_objects);
		edits_sort(&async_objects);
		lower_all(&tree, &async_objects);
		if (tree.error_count)
			err = -EINVAL;
		else
			result->is_spliced = emit(&tree, &async_objects, &out);
	}
	result->error_count = tree.error_count;
	result->warning_count = tree.warning_count;
	result->text = out.at;
	result->size = out.size;
	for (struct function *f = tree.functions; f; f = f->next)
		if (f->lowered)
			lowered_free(f->lowered);
	free(async_objects.at);
	tree_free(&tree);
	source_free(&source);
	return err;
}
