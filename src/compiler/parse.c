/* SPDX-License-Identifier: MIT */
/*
 * compiler/parse.c: the parser's view of a file, and which functions matter.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/machine.h"
#include "compiler/tree_parts.h"

/* ---- what is of interest ---- */

static bool is_word_of_interest(const struct tree *tree, size_t token)
{
	const struct source *source = tree->source;
	const struct token *t = &source->tokens[token];

	if (t->kind != TOKEN_WORD)
		return false;
	if (source_token_is(source, token, "_Await") || source_token_is(source, token, "_Async") ||
			source_token_is(source, token, "_Defer"))
		return true;
	if (is_builtin_name(source->text + t->begin, t->end - t->begin))
		return true;
	const struct function *function =
			tree_find(tree, source->text + t->begin, t->end - t->begin);
	return function && function->is_async;
}

static bool has_words(const struct tree *tree, uint32_t begin, uint32_t end)
{
	for (size_t i = source_token(tree->source, begin);
			i < tree->source->token_count && tree->source->tokens[i].begin < end; i++)
		if (is_word_of_interest(tree, i))
			return true;
	return false;
}

/* ---- the file ---- */

static bool has_async_before(const struct source *source, uint32_t begin, uint32_t end)
{
	for (size_t i = source_token(source, begin);
			i < source->token_count && source->tokens[i].begin < end; i++)
		if (source_token_is(source, i, "_Async"))
			return true;
	return false;
}

/* The body is the last of what has braces. As K&R declare parameters, they stand in front of it. */
static void find_body(const struct source *source, struct function *function)
{
	const struct token *tokens = source->tokens;

	for (size_t i = source_token(source, function->begin);
			i < source->token_count && tokens[i].begin < function->end; i++) {
		if (source_token_is(source, i, "("))
			i = source_match(source, i);
		if (!source_token_is(source, i, "{"))
			continue;
		function->has_prototype &= !source_token_is(source, i - 1, ";");
		function->body_begin = tokens[i].begin;
		i = source_match(source, i);
	}
}

static void note_function(struct tree *tree, CXCursor cursor)
{
	CXType type = clang_getCursorType(cursor);
	bool is_async = type_is_async_function(type);
	bool is_definition = clang_isCursorDefinition(cursor);
	uint32_t begin = source_with_attributes(tree->source, cursor_begin(cursor)),
		 end = cursor_end(cursor);
	struct function *function;
	struct declaration *declaration;
	const struct source *source = tree->source;
	uint32_t name_at = location_offset(clang_getCursorLocation(cursor));

	if (strcmp(cursor_name(tree, cursor), "main") ==
			0) /* clang gives main no calling convention */
		is_async = has_async_before(source, begin, name_at);
	if (!is_async && !(is_definition && has_words(tree, begin, end)))
		return;
	function = function_of(tree, cursor);
	function->is_async = is_async;
	function->is_static |= clang_Cursor_getStorageClass(cursor) == CX_SC_Static;
	function->is_inline |= clang_Cursor_isFunctionInlined(cursor) != 0;
	function->is_variadic = clang_Cursor_isVariadic(cursor) != 0;
	function->has_prototype = clang_getCanonicalType(type).kind == CXType_FunctionProto;
	if (!function->is_defined) {
		function->cursor = cursor;
		/* that of all together, where the first one has not the names of this one */
		if (function->declaration_count && !clang_equalTypes(function->type, type))
			type = clang_getCanonicalType(type);
		function->type = type;
		function->result = clang_getResultType(type);
	}
	for (size_t i = source_token(source, begin);
			i < source->token_count && source->tokens[i].begin < end; i++)
		if (source_token_is(source, i, "weak") || source_token_is(source, i, "__weak__"))
			function->is_weak = true;
		else if (source_token_is(source, i, "{"))
			break;
	function->declarations = grow(function->declarations, function->declaration_count,
			&function->declaration_capacity, sizeof *function->declarations);
	declaration = &function->declarations[function->declaration_count++];
	declaration->begin = begin;
	declaration->end = end;
	declaration->name_at = name_at;
	declaration->is_first = begin != tree->last_declaration;
	tree->last_declaration = begin;
	declaration->is_definition = is_definition;
	if (is_definition) {
		function->is_defined = true;
		function->cursor = cursor;
		function->begin = begin;
		function->end = end;
		find_body(source, function);
		declaration->end = function->body_begin;
	}
}

static enum CXChildVisitResult visit_functions(CXCursor cursor, CXCursor parent, CXClientData data)
{
	(void)parent;
	if (cursor.kind == CXCursor_FunctionDecl)
		note_function(data, cursor);
	return CXChildVisit_Continue;
}

/* Objects at file scope whose initialisers name async functions. */
static enum CXChildVisitResult visit_objects(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct tree *tree = data;

	(void)parent;
	if (cursor.kind == CXCursor_FunctionDecl) {
		const char *name = cursor_name(tree, cursor);
		size_t size = strlen(name);
		struct function *f = size > 5 && strcmp(name + size - 5, "__now") == 0
				? tree_find(tree, name, size - 5)
				: NULL;

		if (f)
			f->has_now = true;
		f = size > 7 && strcmp(name + size - 7, "__waits") == 0
				? tree_find(tree, name, size - 7)
				: NULL;
		if (f)
			f->has_waits = true;
	}
	if (cursor.kind == CXCursor_VarDecl &&
			has_words(tree, cursor_begin(cursor), cursor_end(cursor)))
		tree_build_object(tree, cursor);
	if (cursor.kind == CXCursor_StructDecl) {
		/* struct f__frame is complete: somebody's f is written by hand, or by the library */
		const char *name = cursor_name(tree, cursor);
		size_t size = strlen(name);
		struct function *f = NULL;

		if (size > 7 && strcmp(name + size - 7, "__frame") == 0)
			f = tree_find(tree, name, size - 7);
		if (f && clang_isCursorDefinition(cursor))
			f->has_foreign_frame = true;
		f = size > 6 && strcmp(name + size - 6, "__args") == 0
				? tree_find(tree, name, size - 6)
				: NULL;
		if (f && clang_isCursorDefinition(cursor))
			f->is_foreign = true;
	}
	return CXChildVisit_Continue;
}

static void blank(char *text, uint32_t begin, uint32_t end)
{
	for (uint32_t i = begin; i < end; i++)
		if (text[i] != '\n')
			text[i] = ' ';
}

/* What the parser gets: a copy of the same size. */
static char *text_for_parser(const struct source *source)
{
	char *text = malloc(source->size + 1);
	bool has_parameters = false;

	if (!text)
		return NULL;
	memcpy(text, source->text, source->size);
	text[source->size] = '\0';
	for (size_t i = 0; i < source->token_count; i++) {
		const struct token *token = &source->tokens[i];

		if (source_token_is(source, i, "_Await") || source_token_is(source, i, "_Defer"))
			blank(text, token->begin, token->end);
		if (token->kind != TOKEN_PUNCTUATION)
			continue;
		if (source_token_is(source, i, "(")) {
			bool is_attribute = i > 0 && source_is_attribute(source, i - 1);
			size_t close = source_match(source, i);

			if (close < source->token_count &&
					source_place(source, token->begin).system) {
				has_parameters |= !is_attribute;
				i = close;
			}
		} else if (source_token_is(source, i, "{")) {
			size_t close = source_match(source, i);

			if (close == source->token_count ||
					!source_place(source, token->begin).system)
				continue;
			if (has_parameters) {
				blank(text, token->begin, source->tokens[close].end);
				text[token->begin] = ';';
			}
			i = close;
			has_parameters = has_parameters ? false : has_parameters;
		} else if (source_token_is(source, i, ";")) {
			has_parameters = false;
		}
	}
	return text;
}

/* `int async;` in a header behind <weft/async.h>, where that is a keyword. */
static void warn_of_hidden_names(struct tree *tree)
{
	const struct source *source = tree->source;

	for (size_t i = 0; i + 1 < source->token_count; i++) {
		char after = source->text[source->tokens[i + 1].begin];

		if ((source_token_is(source, i, "_Async") || source_token_is(source, i, "_Await") ||
				    source_token_is(source, i, "_Defer")) &&
				after && strchr(";,)=[:", after))
			diagnose_mistake(tree, source->tokens[i].begin, MISTAKE_LATE_INCLUDE,
					"this name is a keyword here: include <weft/async.h> after "
					"the header that has it");
	}
}

/* clang's view of a plain function where an async one is wanted, or the other way round. */
static bool mixes_plain_and_async(CXDiagnostic diagnostic, const char *text)
{
	CXString option = clang_getDiagnosticOption(diagnostic, NULL);
	const char *first = machine_names_async(text);
	bool is_about_types = strcmp(clang_getCString(option), "-Wcast-calling-convention") == 0 ||
			(first && !machine_names_async(first + 1)); /* else both are async */

	clang_disposeString(option);
	return is_about_types;
}

/* `at` is its brace. */
static void say_nested_function(struct tree *tree, uint32_t at)
{
	const struct source *source = tree->source;
	size_t first = source_token(source, at), name;

	while (first > 0 && !source_token_is(source, first - 1, ";") &&
			!source_token_is(source, first - 1, "{") &&
			!source_token_is(source, first - 1, "}"))
		first--;
	for (name = first;
			!source_token_is(source, name + 1, "(") && source->tokens[name].begin < at;)
		name++;
	diagnose_error(tree, source->tokens[name].begin, "W027",
			"`%.*s` is defined in a function, an extension of gcc that weftcc does not know: "
			"define it outside, and pass what it uses",
			(int)(source->tokens[name].end - source->tokens[name].begin),
			source->text + source->tokens[name].begin);
}

static bool is_nested_function(const char *text)
{
	return strcmp(text, "function definition is not allowed here") == 0;
}

static void say_diagnostic(struct tree *tree, CXDiagnostic diagnostic, const char *text)
{
	uint32_t at = location_offset(clang_getDiagnosticLocation(diagnostic));
	enum CXDiagnosticSeverity severity = clang_getDiagnosticSeverity(diagnostic);

	if (source_place(tree->source, at).system)
		;
	else if (is_nested_function(text))
		say_nested_function(tree, at);
	else if (machine_names_async(text) && strstr(text, "previously declared"))
		diagnose_error(tree, at, "W025",
				"this function is async in one declaration and not in another");
	else if (severity >= CXDiagnostic_Error)
		diagnose_error(tree, at, NULL, "%s", text);
	else if (severity == CXDiagnostic_Warning && mixes_plain_and_async(diagnostic, text))
		diagnose_error(tree, at, "W024",
				"async and plain functions are called in different ways, so "
				"neither can stand for the other: wrap the one in one of the "
				"other kind");
}

/* Behind a nested function, what is said is that clang does not know it. */
static void say_parse_errors(struct tree *tree)
{
	bool has_nested = false;

	for (unsigned i = 0; i < clang_getNumDiagnostics(tree->unit); i++) {
		CXDiagnostic diagnostic = clang_getDiagnostic(tree->unit, i);
		CXString string = clang_getDiagnosticSpelling(diagnostic);
		const char *text = clang_getCString(string);

		if (!has_nested || is_nested_function(text))
			say_diagnostic(tree, diagnostic, text);
		has_nested |= is_nested_function(text);
		clang_disposeString(string);
		clang_disposeDiagnostic(diagnostic);
	}
}

/* A call of nothing, of any pointer and whatever else. */
#define ATOMIC_ANY(result, arguments) "((" result " (*)(const volatile void *, ...))0)" arguments
#define ATOMIC_CALL(name, result) "-D" name "(p, ...)=" ATOMIC_ANY(result, "(p, __VA_ARGS__)")
#define ATOMIC_FETCH(what)                                                                         \
	"-D__atomic_fetch_" what                                                                   \
	"(p, v, o)=((__typeof__((void)0, *(p)))" ATOMIC_ANY("long long", "(p, v, o)") ")"

int tree_build(struct tree *tree, struct source *source, const struct translate_options *options)
{
	/* gcc's types and attributes that clang does not know */
	static const char *const compatibility[] = { "-x", "c", "-ferror-limit=0",
		"-fbracket-depth=1024", "-Wno-everything", "-Wincompatible-function-pointer-types",
		"-Wcast-calling-convention", "-Wpointer-type-mismatch",
		"-Wcompare-distinct-pointer-types", "-D_Float128=__float128",
		"-D_Float64x=long double", "-D_Float64=double", "-D_Float32x=double",
		"-D_Float32=float", "-D__malloc__(...)=__malloc__",
		/* gcc's stdatomic.h: clang refuses these on what is _Atomic, so they are calls */
		ATOMIC_CALL("__atomic_load", "void"), ATOMIC_CALL("__atomic_store", "void"),
		ATOMIC_CALL("__atomic_exchange", "void"),
		ATOMIC_CALL("__atomic_compare_exchange", "_Bool"), ATOMIC_FETCH("add"),
		ATOMIC_FETCH("sub"), ATOMIC_FETCH("or"), ATOMIC_FETCH("xor"), ATOMIC_FETCH("and") };
	struct words arguments = WORDS;
	char *text = text_for_parser(source);
	struct CXUnsavedFile file = { "weftcc.c", text, source->size };
	enum CXErrorCode error;

	memset(tree, 0, sizeof *tree);
	tree->source = source;
	tree->options = options;
	tree->packs = memmem(source->text, source->size, "#pragma pack", 12) != NULL;
	tree->functions_end = &tree->functions;
	for (size_t i = 0; i < sizeof compatibility / sizeof *compatibility; i++)
		words_add(&arguments, compatibility[i]);
	machine_flags(&arguments, options->flags);
	tree->index = clang_createIndex(0, 0);
	error = clang_parseTranslationUnit2(tree->index, file.Filename,
			(const char *const *)arguments.at, (int)arguments.count, &file, 1,
			CXTranslationUnit_None, &tree->unit);
	words_finish(&arguments);
	free(text);
	if (error != CXError_Success) {
		fprintf(stderr, "weftcc: %s: libclang could not parse it at all (error %d)\n",
				options->path, (int)error);
		return -ELIBACC;
	}
	warn_of_hidden_names(tree);
	say_parse_errors(tree);
	if (tree->error_count)
		return -EINVAL;

	CXCursor unit = clang_getTranslationUnitCursor(tree->unit);

	clang_visitChildren(unit, visit_functions, tree);
	clang_visitChildren(unit, visit_objects, tree);
	for (struct function *f = tree->functions; f; f = f->next)
		if (f->is_defined)
			tree_build_body(tree, f);
	return tree->error_count ? -EINVAL : 0;
}

void tree_free(struct tree *tree)
{
	for (struct function *f = tree->functions; f; f = f->next) {
		free(f->declarations);
		free(f->prototypes);
		free(f->names);
		free(f->in_types);
		free(f->type_uses);
		free(f->substitutes);
		free(f->types);
		free(f->callees);
	}
	free(tree->file_names);
	clang_disposeTranslationUnit(tree->unit);
	clang_disposeIndex(tree->index);
	arena_free(&tree->arena);
}
