/* SPDX-License-Identifier: MIT */
/*
 * weft/item.h: how channels and streams check, at compile time, that a pointer is one to their items.
 * Private.
 */
#ifndef WEFT_ITEM_H
#define WEFT_ITEM_H

/* Does not compile unless p is a pointer of item's type, const or not. item is never evaluated, p is not
 * evaluated here. An item of type void * goes with every p. */
#if defined(__cplusplus)
#define WEFT_ITEM_CHECK(item, p) ((void)sizeof(1 ? (item) : (p)))
#else /* if the types differ, the conditional gives a void *, which has no distance from item */
#define WEFT_ITEM_CHECK(item, p) ((void)sizeof(__extension__((item) - (1 ? (item) : (p)))))
#endif

#endif
