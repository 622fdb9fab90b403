/* SPDX-License-Identifier: MIT */
/*
 * model/weaken.h: shows that each memory order of the code under test is needed.
 *
 *     #include "model/model.h"
 *     #include "model/weaken.h"        // before the code under test
 *     #include "core/task_mt.h"
 *
 *     static void (*const bodies[])(void) = { two_wakers, cancelled };
 *
 *     TEST(task_needs_its_memory_orders)
 *     {
 *             static const struct weaken_excuse excuses[] = {
 *                     { "mt_start", "fetch_add_acq_rel", MODEL_ACQUIRE },      // too strong, it seems
 *             };
 *             weaken_each("core/task_mt.h", bodies, 2, excuses, 1);
 *     }
 *
 * Each order other than relaxed that the bodies use in that file is made weaker, one at a time and step by
 * step, and one of the bodies must then fail. What no body needs has to be excused, and an excuse has to be true;
 * so the table says which orders are stronger than necessary (or which body is missing).
 *
 * How      The names of base/atomic.h are macros around four others, defined again here: they pass their
 *          order through weaken_order, which knows it by its place.
 * Limits   Plain memory counts only where a test accesses it by model_plain_read and model_plain_write.
 */
#ifndef WEFT_MODEL_WEAKEN_H
#define WEFT_MODEL_WEAKEN_H

#include <stdio.h>
#include <string.h>

#include "model/model.h"
#include "test.h"

struct weaken_excuse {
	const char *function;
	const char *operation;   /* the name without `atomic_` */
	enum model_order enough; /* the weaker order with which all bodies pass */
};

enum { WEAKEN_SITES_MAX = 64 };

static struct {
	const char *file; /* what its path ends with */
	struct weaken_site {
		const char *function, *text;
		int line;
		enum model_order order;
	} sites[WEAKEN_SITES_MAX];
	int count;
	int target; /* the site that is weaker now, or -1 */
	enum model_order weaker;
} weaken = { .target = -1 };

/* The order to use at a place of the code under test; the place is written down when it is new. */
static inline enum model_order weaken_order(const char *file, int line, const char *function,
		const char *text, enum model_order order)
{
	struct weaken_site site = { function, text, line, order };
	int i;

	if (order == MODEL_RELAXED || !weaken.file || !strstr(file, weaken.file))
		return order;
	for (i = 0; i < weaken.count; i++)
		if (weaken.sites[i].line == line && strcmp(weaken.sites[i].function, function) == 0)
			break;
	if (i == weaken.count && i < WEAKEN_SITES_MAX)
		weaken.sites[weaken.count++] = site;
	return i == weaken.target ? weaken.weaker : order;
}

#define WEAKEN_SIZE(p) sizeof(__typeof__(*(p)))
#define WEAKEN(name, p, order)                                                                     \
	weaken_order(__FILE__, __LINE__, __func__, name " " #p, MODEL_##order)

#undef MODEL_LOAD
#undef MODEL_STORE
#undef MODEL_RMW
#undef MODEL_CAS
#define MODEL_LOAD(name, p, order)                                                                 \
	__extension__({                                                                            \
		(MODEL_TYPE(p)) model_load(MODEL_SITE(name " " #p), (p), WEAKEN_SIZE(p),           \
				WEAKEN(name, p, order));                                           \
	})
#define MODEL_STORE(name, p, v, order)                                                             \
	model_store(MODEL_SITE(name " " #p), (p), WEAKEN_SIZE(p), WEAKEN(name, p, order),          \
			(uintptr_t)(v))
#define MODEL_RMW(name, p, v, rmw, order)                                                          \
	__extension__({                                                                            \
		(MODEL_TYPE(p)) model_rmw(MODEL_SITE(name " " #p), (p), WEAKEN_SIZE(p),            \
				WEAKEN(name, p, order), MODEL_##rmw, (uintptr_t)(v));              \
	})
#define MODEL_CAS(name, p, expected, v, order)                                                     \
	model_cas(MODEL_SITE(name " " #p), (p), WEAKEN_SIZE(p) + 0 * sizeof(*(p) == *(expected)),  \
			WEAKEN(name, p, order), (expected), (uintptr_t)(v))

static inline const char *weaken_word(enum model_order order)
{
	switch (order) {
	case MODEL_RELAXED:
		return "relaxed";
	case MODEL_ACQUIRE:
		return "acquire";
	case MODEL_RELEASE:
		return "release";
	case MODEL_ACQ_REL:
		return "acq_rel";
	case MODEL_SEQ_CST:
		return "seq_cst";
	}
	return "?";
}

static inline bool weaken_passes(void (*const *bodies)(void), int count)
{
	for (int i = 0; i < count; i++) {
		char name[32];

		snprintf(name, sizeof name, "weaken.%d.%d.%d", weaken.target, (int)weaken.weaker,
				i);
		if (model_explore(name, bodies[i],
				    (struct model_options){ .failure_is_expected = true })
						.verdict > MODEL_CAPPED)
			return false;
	}
	return true;
}

static inline bool weaken_is_excused(const struct weaken_site *site, enum model_order order,
		const struct weaken_excuse *excuses, int count)
{
	for (int i = 0; i < count; i++) {
		size_t len = strlen(excuses[i].operation);

		if (excuses[i].enough == order &&
				strcmp(excuses[i].function, site->function) == 0 &&
				strncmp(excuses[i].operation, site->text, len) == 0 &&
				site->text[len] == ' ')
			return true;
	}
	return false;
}

/* Makes one order weaker. Returns whether the outcome was the expected one. */
static inline bool weaken_one(int target, enum model_order order, void (*const *bodies)(void),
		int body_count, const struct weaken_excuse *excuses, int excuse_count)
{
	const struct weaken_site *site = &weaken.sites[target];
	bool excused = weaken_is_excused(site, order, excuses, excuse_count);
	bool passes;

	weaken.target = target;
	weaken.weaker = order;
	passes = weaken_passes(bodies, body_count);
	weaken.target = -1;
	printf("weaken: %-24s %-40s as %s: %s\n", site->function, site->text, weaken_word(order),
			passes ? "passes" : "is found");
	if (passes != excused)
		fprintf(stderr, "%s:%d: %s as %s %s\n", site->function, site->line, site->text,
				weaken_word(order), passes ? "passes" : "is needed, but excused");
	return passes == excused;
}

/* Fails the test unless each body passes, and one of them fails with each weaker order that is not
 * excused. */
static inline void weaken_each(const char *file, void (*const *bodies)(void), int body_count,
		const struct weaken_excuse *excuses, int excuse_count)
{
	int wrong = 0;

	weaken.file = file;
	weaken.count = 0;
	CHECK(weaken_passes(bodies, body_count));
	CHECK(weaken.count > 0 && weaken.count < WEAKEN_SITES_MAX);
	for (int i = 0; i < weaken.count; i++) {
		enum model_order order = weaken.sites[i].order;

		if (order == MODEL_SEQ_CST)
			wrong += !weaken_one(i, MODEL_ACQ_REL, bodies, body_count, excuses,
					excuse_count);
		else if (order != MODEL_ACQ_REL)
			wrong += !weaken_one(i, MODEL_RELAXED, bodies, body_count, excuses,
					excuse_count);
		if (order != MODEL_ACQ_REL)
			continue;
		wrong += !weaken_one(i, MODEL_ACQUIRE, bodies, body_count, excuses, excuse_count);
		wrong += !weaken_one(i, MODEL_RELEASE, bodies, body_count, excuses, excuse_count);
	}
	weaken.file = NULL;
	CHECK_EQ(wrong, 0);
}

#endif
