/* SPDX-License-Identifier: MIT */
/*
 * compiler/emit.c: what an async function becomes at file scope: its arguments, frame, state machine and
 * descriptor.
 */
#include "compiler/emit.h"

#include <string.h>

static const char *linkage(const struct function *function)
{
	return function->is_static ? "static " : "";
}

/* `#pragma pack` is for the user's structs; a frame has to look the same in every file. */
static void suspend_packing(const struct tree *tree, struct text *out)
{
	if (tree->packs)
		text_puts(out, "\n#pragma pack(push)\n#pragma pack()\n");
}

static void resume_packing(const struct tree *tree, struct text *out)
{
	if (tree->packs)
		text_puts(out, "#pragma pack(pop)\n");
}

/* struct f__args, f__init, f__poll and f__async. */
void emit_prefix(struct tree *tree, struct function *function, struct text *out)
{
	int count = clang_getNumArgTypes(function->type);

	if (function->args_emitted || function->is_foreign)
		return;
	function->args_emitted = true;
	suspend_packing(tree, out);
	text_printf(out, "struct %s__args {\n\tstruct weft_frame base;\n", function->name);
	if (!type_is_void(function->result))
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
	if (!type_is_void(function->result))
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
	suspend_packing(tree, out);
	emit_names(tree, function, out);
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

			text_printf(out, "\t{ %uu, __builtin_offsetof(struct %s__frame, %s), ",
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
			text_printf(out, "\t{ &%s__async, sizeof(struct %s__frame) },\n",
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
	if (!type_is_void(function->result))
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
	text_puts(out, "default: weft_frame_misuse(weft_frame); } ");
}

/* As __FILE__ would be, by -ffile-prefix-map=old=new and its kin; the last one that fits counts: an
 * object must not tell where it was compiled. */
static const char *file_mapped(struct tree *tree, const char *file)
{
	const struct words *maps = &tree->options->path_maps;

	for (size_t i = maps->count; i > 0; i--) {
		const char *from = maps->at[i - 1], *to = strchr(from, '=');

		if (to && strncmp(file, from, (size_t)(to - from)) == 0)
			return arena_printf(&tree->arena, "%s%s", to + 1, file + (to - from));
	}
	return file;
}

void emit_definition(struct tree *tree, struct function *function, struct text *out)
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
			"{ register struct %s__frame *const weft_f = weft_frame; (void)weft_cx; "
			"(void)(struct %s__names *)weft_f; ",
			function->name, function->name);
	if (lowered->point_count)
		emit_dispatch(function, place, out);
	text_puts(out, "\n");
	text_puts(out, lowered->body.at); /* begins with a linemarker */
	if (is_main && clang_getCanonicalType(function->result).kind != CXType_Void)
		text_puts(out, " weft_f->args.result = 0;");
	text_puts(out, " weft_f->args.base.at = 4294967295u; return WEFT_READY; }\n");
	source_mark(out, place);
	struct place told = place;
	told.file = file_mapped(tree, place.file);
	emit_descriptor(function, told, out);
	if (!tree->options->only_function) {
		source_mark(out, place);
		text_printf(out,
				"_Static_assert(__alignof__(struct %s__frame) <= %d, "
				"\"`%s` keeps what is aligned to more: keep a pointer to it [W029]\");\n",
				function->name, EMIT_FRAME_ALIGN_MAX, function->name);
	}
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
