/* SPDX-License-Identifier: MIT */
/*
 * weft/item.h: how channels and streams check, at compile time, that a pointer is one to their items.
 * Private.
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

#endif
