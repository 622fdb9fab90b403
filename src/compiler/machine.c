/* SPDX-License-Identifier: MIT */
/*
 * compiler/machine.c: the machine that libclang takes a text to be for.
 *
 * Why:  async-ness travels with the type as a calling convention that the text cannot have otherwise. No
 *       convention is known on every machine: x86 and AArch64 have preserve_most, ARM only its own two,
 *       and most others have one, to which clang turns whatever is asked for.
 * How:  a machine without a second convention is parsed as another one on which all types have the same
 *       size and alignment, and `char` and wchar_t the same sign: AArch64 where `long` has 64 bits, ARM
 *       where it has 32, of either byte order. The parse makes no code, so nothing else of the machine
 *       matters, but for registers that inline assembly names.
 */
#include <string.h>

#include "compiler/machine.h"

#define ASYNC_ELSEWHERE "-D_Async=__attribute__((preserve_most))"
#define ASYNC_ON_ARM "-D_Async=__attribute__((pcs(\"aapcs-vfp\")))"

#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__)
#define MACHINE_HERE NULL /* libclang's own */
#elif defined(__arm__)
#define MACHINE_HERE "arm-linux-gnueabihf"
#elif defined(__s390x__)
#define MACHINE_HERE "s390x-linux-gnu"
#elif __SIZEOF_LONG__ == 8 && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define MACHINE_HERE "powerpc64-linux-gnu"
#elif __SIZEOF_LONG__ == 8
#define MACHINE_HERE "riscv64-linux-gnu"
#elif __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define MACHINE_HERE "powerpc-linux-gnu"
#else
#define MACHINE_HERE "riscv32-linux-gnu"
#endif

static bool starts_with_any(const char *text, const char *const *prefixes)
{
	while (*prefixes && !starts_with(text, *prefixes))
		prefixes++;
	return *prefixes != NULL;
}

static bool has_convention(const char *machine)
{
	static const char *const names[] = { "x86_64", "amd64", "i386", "i486", "i586", "i686",
		"aarch64", "arm64", NULL };

	return !machine || starts_with_any(machine, names);
}

static bool is_arm(const char *machine)
{
	static const char *const names[] = { "arm", "thumb", "xscale", NULL };

	return starts_with_any(machine, names) && !has_convention(machine);
}

static bool is_big_endian(const char *machine)
{
	static const char *const little[] = { "powerpc64le", "ppc64le", "powerpcle", "mipsel",
		"mips64el", "mipsisa32r6el", "mipsisa64r6el", NULL };
	static const char *const big[] = { "powerpc", "ppc", "mips", "s390", "sparc", NULL };

	return starts_with_any(machine, big) && !starts_with_any(machine, little);
}

static bool has_signed_char(const char *machine)
{
	static const char *const has_unsigned[] = { "riscv", "powerpc", "ppc", "s390", "csky",
		"xtensa", NULL };

	return !starts_with_any(machine, has_unsigned);
}

/* Those that name what the other machine has not. */
static bool is_of_machine_alone(const char *flag)
{
	return starts_with(flag, "-m") && !starts_with(flag, "-mlong-double-") &&
			!starts_with(flag, "-mms-bitfields");
}

/* `bits` is what -m32 or -m64 says, or 0. */
static const char *other_machine(const char *machine, int bits)
{
	bool is_wide = bits ? bits == 64 : strstr(machine, "64") || starts_with(machine, "s390x");

	if (is_wide)
		return is_big_endian(machine) ? "aarch64_be-linux-gnu" : "aarch64-linux-gnu";
	return is_big_endian(machine) ? "armeb-linux-gnueabihf" : "arm-linux-gnueabihf";
}

static void add_other_machine(
		struct words *parse, const char *machine, int bits, const char *const *flags)
{
	const char *other = other_machine(machine, bits);

	words_addf(parse, "--target=%s", other);
	words_add(parse, has_signed_char(machine) ? "-fsigned-char" : "-funsigned-char");
	words_add(parse, "-Xclang"); /* wchar_t is int, but on ARM and AArch64 */
	words_add(parse, "-fwchar-type=int");
	words_add(parse, starts_with(other, "arm") ? ASYNC_ON_ARM : ASYNC_ELSEWHERE);
	for (; *flags; flags++)
		if (!is_of_machine_alone(*flags) && !starts_with(*flags, "--target="))
			words_add(parse, *flags);
}

void machine_flags(struct words *parse, const char *const *flags)
{
	const char *machine = MACHINE_HERE;
	int bits = 0;

	for (const char *const *flag = flags; *flag; flag++) {
		if (starts_with(*flag, "--target="))
			machine = *flag + strlen("--target=");
		else if (strcmp(*flag, "-m32") == 0 || strcmp(*flag, "-m64") == 0)
			bits = (*flag)[2] == '3' ? 32 : 64;
	}
	if (!has_convention(machine) && !is_arm(machine)) {
		add_other_machine(parse, machine, bits, flags);
		return;
	}
	words_add(parse, has_convention(machine) ? ASYNC_ELSEWHERE : ASYNC_ON_ARM);
	for (; *flags; flags++)
		words_add(parse, *flags);
}

const char *machine_names_async(const char *text)
{
	const char *elsewhere = strstr(text, "preserve_most");

	return elsewhere ? elsewhere : strstr(text, "aapcs-vfp");
}
