/* SPDX-License-Identifier: MIT */
/*
 * weft/item.h: how channels and streams check, at compile time, that a pointer is one to their items, or a
 * function one of them. Private.
 */
#ifndef WEFT_ITEM_H
#define WEFT_ITEM_H

/* Does not compile unless p is a pointer of item's type, const or not. Neither is evaluated here. An item
 * of type void * goes with every p. (In C, if the types differ, the conditional gives a void *, which has
 * no distance from item.) As a number it is constant. */
#if defined(__cplusplus)
#define WEFT_ITEM_MATCH_(item, p) sizeof(1 ? (item) : (p))
#else
#define WEFT_ITEM_MATCH_(item, p) sizeof(__extension__((item) - (1 ? (item) : (p))))
#endif
#define WEFT_ITEM_CHECK(item, p) ((void)WEFT_ITEM_MATCH_(item, p))

/* What is asked about an item, or makes one of it; and a static one that asks, with types. Beside it there
 * is name__any, which has none. */
typedef int (*weft_item_fn)(void *arg, const void *in, void *out);
#define WEFT_ITEM_TEST(name, Arg, In)                                                              \
	static int name(Arg *arg, const In *in);                                                   \
	static WEFT_MAYBE_UNUSED int name##__any(void *arg, const void *in, void *out)             \
	{                                                                                          \
		(void)out;                                                                         \
		return name((Arg *)arg, (const In *)in);                                           \
	}                                                                                          \
	static int name(WEFT_MAYBE_UNUSED Arg *arg, WEFT_MAYBE_UNUSED const In *in)
#define WEFT_ITEM_ASK_(fn, arg, item) ((void)sizeof(fn((arg), (item))), fn##__any)

#endif
