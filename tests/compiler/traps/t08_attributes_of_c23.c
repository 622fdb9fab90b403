/* SPDX-License-Identifier: MIT */
/*
 * T8: attributes as C23 writes them, wherever they may stand; and its numbers.
 * flags: -std=gnu2x
 */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>
static async int id(int x) { (void)await weft_yield(); return x; }
[[maybe_unused]] static async int unused(void) { return await id(1); }
[[maybe_unused]] [[gnu::weak]] async int absent(int x);
async int main(void) {
 [[maybe_unused]] int x = await id(1), y = 0b101; [[gnu::aligned(32)]] int z = await id(2); int w [[gnu::aligned(16)]] = await id(4);
 typeof(x) q = await id(3); int *p = &z, *pw = &w;
 switch (await id(1)) { case 1: y++; [[fallthrough]]; case 2: y += await id(1); }
 for (int i = 0; i < 2; i++) { [[maybe_unused]] typedef int T; T t = await id(i); y += t; }
 { label:; int decl_after = await id(5); y += decl_after; if (y < 12) goto label; }
 y += await id(1'000) - 1'0'0'0 + (await id(1) == 0x1'0 ? 'a' : 0);
 async int (*maybe)(int) = absent; if (maybe) y += 1000;
 printf("%d %d %d %d %d\n", x, y, q, (int)((unsigned long)p % 32), *p + *pw + (int)((unsigned long)pw % 16));
 return 0; }
