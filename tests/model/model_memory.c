/* SPDX-License-Identifier: MIT */
/*
 * model/model_memory.c: what a load may return, and what is a race.
 *
 * How         An atomic location is the list of its stores in modification order, which is the
 *             order of execution. A view says how much is known: for each thread the clock up to
 *             which its steps happened before, for each location the oldest store that may still
 *             be read. So happens-before and coherence are one operation, the join of two views:
 *
 *               read      raises the location's entry to the store that is read; joins the view
 *                         that store released, or keeps it for the next acquire fence
 *               write     releases the thread's view, or the one at its last release fence; a
 *                         read-modify-write adds what the store it read released (the release
 *                         sequence of C20: a plain store of the same thread ends it)
 *               seq_cst   one more view, S. A load reads nothing older than S has and raises it; a
 *                         store raises it; a fence exchanges views with it, both ways, but not the
 *                         clocks: it makes stores visible and orders no plain data
 *
 *             A read-modify-write reads the last store. A compare-exchange fails as a load with
 *             the failure order does, so also on a stale value.
 * Races       Plain accesses, free and re-initialisation are checked against the clocks of earlier
 *             accesses. They need no interleaving of their own: whichever comes first, a pair
 *             without happens-before is found.
 * seq_cst     is the one of C11, in which its order agrees with happens-before and execution; the
 *             few results more that C20 gives to mixtures with acquire-release are not found.
 * Invariants  [I1] memory holds the last store: ordinary code wrote nothing in between.
 */
#include <string.h>

#include "model/model_run.h"

enum { BUCKETS = 2 * LOCATIONS_MAX, ARENA_BYTES = 1 << 16 };

struct store {
	uintptr_t value;
	int author; /* -1: ordinary code */
	struct view released;
};

/* What model_malloc or model_forget was called for. */
struct region {
	const char *start;
	size_t size;
	int author;
	int16_t clock;
	bool allocated, freed;
};

static struct location locations[LOCATIONS_MAX];
static struct location *slots[SLOTS_MAX];
static struct store stores[SLOTS_MAX][STORES_MAX];
static struct region regions[REGIONS_MAX];
static _Alignas(64) char arena[ARENA_BYTES];

static struct {
	int location_count, slot_count, region_count;
	size_t arena_used;
	struct view seq_cst;
	unsigned short buckets[BUCKETS]; /* indices into locations, plus one */
} memory;

void model__memory_reset(void)
{
	memset(&memory, 0, sizeof memory);
}

/* --- views ------------------------------------------------------------------------------------ */

void model__view_join(struct view *restrict into, const struct view *restrict from)
{
	for (int i = 0; i < THREADS_MAX + SLOTS_MAX; i++)
		into->at[i] = into->at[i] > from->at[i] ? into->at[i] : from->at[i];
}

/* Joins what is known of stores, but not of threads. */
static void view_join_stores(struct view *into, const struct view *from)
{
	struct view known = *from;

	memset(known.at, 0, THREADS_MAX * sizeof known.at[0]);
	model__view_join(into, &known);
}

static int view_of(const struct view *view, const struct location *at)
{
	return view->at[THREADS_MAX + at->slot];
}

static void view_raise(struct view *view, const struct location *at, int index)
{
	if (view_of(view, at) < index)
		view->at[THREADS_MAX + at->slot] = (int16_t)index;
}

/* --- locations -------------------------------------------------------------------------------- */

static bool is_inside(const volatile void *address, const void *start, size_t size)
{
	return (uintptr_t)address - (uintptr_t)start < size;
}

static struct location *location_new(const volatile void *address)
{
	struct location *at = &locations[memory.location_count];

	if (memory.location_count == LOCATIONS_MAX)
		model__fail(MODEL_MISUSE, "too many locations");
	memory.location_count++;
	*at = (struct location){ .address = address, .slot = -1 };
	for (struct region *region = regions; region < regions + memory.region_count; region++)
		if (is_inside(address, region->start, region->size)) {
			at->touched[PLAIN_WRITE][region->author] = region->clock;
			if (region->allocated)
				at->block = region;
		}
	return at;
}

struct location *model__location_find(const volatile void *address)
{
	size_t bucket = (size_t)((uintptr_t)address * 0x9e3779b1u >> 7) % BUCKETS;

	for (; memory.buckets[bucket]; bucket = (bucket + 1) % BUCKETS)
		if (locations[memory.buckets[bucket] - 1].address == address)
			return &locations[memory.buckets[bucket] - 1];
	memory.buckets[bucket] = (unsigned short)(memory.location_count + 1);
	return location_new(address);
}

static struct location *location_sized(
		const struct model_site *site, const volatile void *object, size_t size)
{
	struct location *at = model__location_find(object);
	const char *argument;

	if (at->size == size)
		return at;
	argument = strchr(site->text, ' ');
	if (!at->name)
		at->name = argument ? argument + 1 : site->text;
	if (at->size)
		model__fail(MODEL_MISUSE, "accesses of two sizes to %s", at->name);
	at->size = size;
	return at;
}

static struct store *store_append(struct location *at, uintptr_t value, int author)
{
	struct store *store = &stores[at->slot][at->count];

	if (at->count == STORES_MAX)
		model__fail(MODEL_MISUSE, "too many stores to %s", at->name);
	at->count++;
	at->last = store->value = value;
	store->author = author;
	memset(&store->released, 0, sizeof store->released);
	return store;
}

static uintptr_t memory_read(const volatile void *address, size_t size)
{
	uintptr_t value = 0;

	if (size == sizeof(uint32_t)) /* the common cases, without a call */
		memcpy(&value, (const void *)(uintptr_t)address, sizeof(uint32_t));
	else if (size == sizeof value)
		memcpy(&value, (const void *)(uintptr_t)address, sizeof value);
	else
		memcpy(&value, (const void *)(uintptr_t)address, size);
	return value;
}

/* Takes over what ordinary code left in memory. */
static void location_adopt(struct location *at)
{
	if (at->slot < 0) {
		if (memory.slot_count == SLOTS_MAX)
			model__fail(MODEL_MISUSE, "too many atomic locations");
		at->slot = memory.slot_count++;
		slots[at->slot] = at;
	}
	store_append(at, memory_read(at->address, at->size), -1);
	at->oldest = at->count - 1;
	at->forgotten = false;
}

struct location *model__location_atomic(
		const struct model_site *site, const volatile void *object, size_t size)
{
	struct location *at = location_sized(site, object, size);

	if (at->slot < 0 || at->forgotten)
		location_adopt(at);
	return at;
}

static const char *const access_words[] = { "atomic read", "atomic write", "plain read",
	"plain write" };

static void block_check(const struct region *block)
{
	if (block->freed)
		model__fail(MODEL_USE_AFTER_FREE, "T%d uses what T%d allocated, after its free",
				model_self(), block->author);
}

/* Whether all accesses of one kind happened before the current step of `self`. */
static bool is_ordered(const struct location *at, enum access earlier, const struct thread *self)
{
	bool ordered = true;

	for (int i = 0; i < execution.thread_count; i++)
		ordered &= at->touched[earlier][i] <= self->view.at[i];
	return ordered;
}

static int first_unordered(
		const struct location *at, enum access earlier, const struct thread *self)
{
	int i = 0;

	while (at->touched[earlier][i] <= self->view.at[i])
		i++;
	return i;
}

/* Checks an access of the current thread against all earlier ones, and notes it. */
static void location_touch(struct location *at, enum access access)
{
	static const unsigned char conflicts[ACCESSES] = {
		[ATOMIC_READ] = 1 << PLAIN_WRITE,
		[ATOMIC_WRITE] = 1 << PLAIN_WRITE | 1 << PLAIN_READ,
		[PLAIN_READ] = 1 << PLAIN_WRITE | 1 << ATOMIC_WRITE,
		[PLAIN_WRITE] = 1 << PLAIN_WRITE | 1 << ATOMIC_WRITE | 1 << PLAIN_READ |
				1 << ATOMIC_READ,
	};
	struct thread *self = execution.current;

	if (at->block)
		block_check(at->block);
	for (enum access earlier = 0; earlier < ACCESSES; earlier++)
		if (conflicts[access] >> earlier & 1 && !is_ordered(at, earlier, self))
			model__fail(MODEL_RACE, "%s of %s by T%d, not ordered after %s by T%d",
					access_words[access], at->name, thread_id(self),
					access_words[earlier], first_unordered(at, earlier, self));
	at->touched[access][thread_id(self)] = *thread_clock(self);
}

/* --- loads and stores ------------------------------------------------------------------------- */

static int int_max(int a, int b)
{
	return a > b ? a : b;
}

/* The oldest store that the thread may read. */
static int store_oldest(
		const struct thread *self, const struct location *at, enum model_order order)
{
	int oldest = int_max(view_of(&self->view, at), view_of(&self->fair, at));

	if (order == MODEL_SEQ_CST)
		oldest = int_max(oldest, view_of(&memory.seq_cst, at));
	if (self->asleep)
		oldest = int_max(oldest, self->asleep_count);
	return int_max(oldest, at->oldest);
}

static uintptr_t store_read(
		struct thread *self, struct location *at, int index, enum model_order order)
{
	const struct store *store = &stores[at->slot][index];

	location_touch(at, ATOMIC_READ);
	self->reads |= (uint64_t)1 << at->slot;
	view_raise(&self->view, at, index);
	model__view_join(order & MODEL_ACQUIRE ? &self->view : &self->acquired, &store->released);
	if (order == MODEL_SEQ_CST)
		view_raise(&memory.seq_cst, at, index);
	return store->value;
}

static void tell_read(const struct model_site *site, const struct location *at, int index)
{
	const struct store *store = &stores[at->slot][index];
	const char *stale = index < at->count - 1 ? ", STALE" : "";

	if (store->author < 0)
		TELL(site, at, " -> %#jx, initial%s", (uintmax_t)store->value, stale);
	else
		TELL(site, at, " -> %#jx, store %d by T%d%s", (uintmax_t)store->value, index,
				store->author, stale);
}

uintptr_t model__read_last(struct thread *self, struct location *at, enum model_order order)
{
	tell_read(self->op.site, at, at->count - 1);
	return store_read(self, at, at->count - 1, order);
}

/* A store changes something for those that spin on its location. */
static void spinners_release(const struct location *at)
{
	for (struct thread *thread = threads; thread < threads_end(); thread++)
		if (thread->op.kind == OP_PAUSE && thread->reads >> at->slot & 1) {
			thread->op.kind = OP_LOCAL;
			view_raise(&thread->fair, at, at->count - 1);
		}
}

bool model__spin_fairly(struct thread *self)
{
	bool waits = self->reads != 0;

	for (int slot = 0; slot < memory.slot_count; slot++) {
		const int known = int_max(view_of(&self->view, slots[slot]),
				view_of(&self->fair, slots[slot]));

		if (self->reads >> slot & 1 && known < slots[slot]->count - 1) {
			view_raise(&self->fair, slots[slot], known + 1);
			waits = false;
		}
	}
	return waits;
}

/* `carried` is what a release sequence adds, or NULL. */
static void store_write(struct thread *self, struct location *at, uintptr_t value,
		enum model_order order, const struct view *carried)
{
	const uintptr_t before = at->last;
	struct store *store;

	location_touch(at, ATOMIC_WRITE);
	if (at->size < sizeof value)
		value &= ((uintptr_t)1 << 8 * at->size) - 1;
	store = store_append(at, value, thread_id(self));
	view_raise(&self->view, at, at->count - 1);
	store->released = order & MODEL_RELEASE ? self->view : self->released;
	if (carried)
		model__view_join(&store->released, carried);
	if (order == MODEL_SEQ_CST)
		view_raise(&memory.seq_cst, at, at->count - 1);
	memcpy((void *)(uintptr_t)at->address, &value, at->size);
	if (value != before)
		spinners_release(at);
}

static uintptr_t rmw_apply(enum model_rmw rmw, uintptr_t old, uintptr_t operand)
{
	switch (rmw) {
	case MODEL_ADD:
		return old + operand;
	case MODEL_SUB:
		return old - operand;
	case MODEL_OR:
		return old | operand;
	case MODEL_AND:
		return old & operand;
	case MODEL_XOR:
		return old ^ operand;
	default:
		return operand;
	}
}

uintptr_t model__rmw(struct thread *self, struct location *at, enum model_order order,
		enum model_rmw rmw, uintptr_t operand)
{
	const struct store *store = &stores[at->slot][at->count - 1];
	const uintptr_t old = store_read(self, at, at->count - 1, order);

	store_write(self, at, rmw_apply(rmw, old, operand), order, &store->released);
	TELL(self->op.site, at, " -> %#jx = %#jx, store %d", (uintmax_t)old, (uintmax_t)at->last,
			at->count - 1);
	return old;
}

/* --- the names of base/atomic.h --------------------------------------------------------------- */

static struct thread *access_begin(const struct model_site *site, struct location *at,
		enum model_order order, enum op_kind kind)
{
	struct thread *self = model__op_begin(kind, order, at, site);

	if (at->forgotten)
		location_adopt(at);
	if (memory_read(at->address, at->size) != at->last) /* [I1] */
		model__fail(MODEL_MISUSE, "ordinary code changed %s; use model_init", at->name);
	return self;
}

uintptr_t model_load(const struct model_site *site, const volatile void *object, size_t size,
		enum model_order order)
{
	struct location *at = model__location_atomic(site, object, size);
	struct thread *self = access_begin(site, at, order, OP_READ);
	const int options = at->count - store_oldest(self, at, order);
	const int index = at->count - 1 - model__choose(options);
	uintptr_t value;

	tell_read(site, at, index);
	value = store_read(self, at, index, order);
	model__op_end(self);
	return value;
}

void model_store(const struct model_site *site, volatile void *object, size_t size,
		enum model_order order, uintptr_t value)
{
	struct location *at = model__location_atomic(site, object, size);
	struct thread *self = access_begin(site, at, order, OP_WRITE);

	store_write(self, at, value, order, NULL);
	TELL(site, at, " = %#jx, store %d", (uintmax_t)at->last, at->count - 1);
	model__op_end(self);
}

uintptr_t model_rmw(const struct model_site *site, volatile void *object, size_t size,
		enum model_order order, enum model_rmw rmw, uintptr_t operand)
{
	struct location *at = model__location_atomic(site, object, size);
	struct thread *self = access_begin(site, at, order, OP_WRITE);
	const uintptr_t old = model__rmw(self, at, order, rmw, operand);

	model__op_end(self);
	return old;
}

/* Chooses among success, if the last store allows it, and failing on each store that differs. */
static int cas_choose(const struct thread *self, const struct location *at,
		enum model_order failure, uintptr_t expected)
{
	const int oldest = store_oldest(self, at, failure);
	int options[STORES_MAX], count = 0;

	for (int index = at->count - 1; index >= oldest; index--)
		if (index == at->count - 1 || stores[at->slot][index].value != expected)
			options[count++] = index;
	return options[model__choose(count)];
}

bool model_cas(const struct model_site *site, volatile void *object, size_t size,
		enum model_order order, void *expected, uintptr_t desired)
{
	const enum model_order failure = order == MODEL_SEQ_CST ? order : order & MODEL_ACQUIRE;
	struct location *at = model__location_atomic(site, object, size);
	struct thread *self = access_begin(site, at, order, OP_WRITE);
	uintptr_t wanted = 0, found;
	int index;

	memcpy(&wanted, expected, size);
	index = cas_choose(self, at, failure, wanted);
	found = stores[at->slot][index].value;
	if (found == wanted) {
		model__rmw(self, at, order, MODEL_EXCHANGE, desired);
	} else {
		tell_read(site, at, index);
		store_read(self, at, index, failure);
		memcpy(expected, &found, size);
	}
	model__op_end(self);
	return found == wanted;
}

void model_fence(const struct model_site *site, enum model_order order)
{
	struct thread *self = execution.current;

	if (order == MODEL_SEQ_CST) /* nobody else sees the others */
		self = model__op_begin(OP_READ, order, NULL, site);
	if (order & MODEL_ACQUIRE)
		model__view_join(&self->view, &self->acquired);
	if (order == MODEL_SEQ_CST) {
		view_join_stores(&self->view, &memory.seq_cst);
		view_join_stores(&memory.seq_cst, &self->view);
	}
	if (order & MODEL_RELEASE)
		self->released = self->view;
	TELL(site, NULL, "%s", "");
	model__op_end(self);
}

/* --- plain data and blocks -------------------------------------------------------------------- */

void model_plain(
		const struct model_site *site, const volatile void *object, size_t size, bool write)
{
	struct location *at = location_sized(site, object, size);

	TELL(site, at, "%s", "");
	location_touch(at, write ? PLAIN_WRITE : PLAIN_READ);
	at->forgotten |= write;
}

static void region_new(const void *start, size_t size, bool allocated)
{
	struct thread *self = execution.current;

	if (memory.region_count == REGIONS_MAX)
		model__fail(MODEL_MISUSE, "too many blocks and ranges");
	regions[memory.region_count++] = (struct region){ start, size, thread_id(self),
		*thread_clock(self), allocated, false };
}

void model_forget(const void *start, size_t size)
{
	for (int i = 0; i < memory.location_count; i++)
		if (is_inside(locations[i].address, start, size)) {
			location_touch(&locations[i], PLAIN_WRITE);
			locations[i].forgotten = true;
		}
	region_new(start, size, false);
}

void *model_malloc(size_t size)
{
	char *start = arena + memory.arena_used;
	const size_t rounded = (size + 63) & ~(size_t)63;

	if (rounded > ARENA_BYTES - memory.arena_used)
		model__fail(MODEL_MISUSE, "the arena is used up");
	memory.arena_used += rounded;
	region_new(start, size, true);
	return start;
}

static struct region *block_of(const void *address)
{
	for (struct region *region = regions; region < regions + memory.region_count; region++)
		if (region->allocated && is_inside(address, region->start, region->size))
			return region;
	return NULL;
}

void model_check_alive(const void *address)
{
	const struct region *block = block_of(address);

	if (block)
		block_check(block);
}

/* An access that the free is not ordered after could as well come later. */
static void location_free(const struct location *at)
{
	const struct thread *self = execution.current;

	for (enum access earlier = 0; earlier < ACCESSES; earlier++)
		if (!is_ordered(at, earlier, self))
			model__fail(MODEL_USE_AFTER_FREE,
					"free by T%d, not ordered after %s of %s by T%d",
					thread_id(self), access_words[earlier], at->name,
					first_unordered(at, earlier, self));
}

void model_free(void *start)
{
	struct region *block = block_of(start);

	if (!start)
		return;
	if (!block || block->start != start)
		model__fail(MODEL_MISUSE, "free of what is not a block");
	block_check(block);
	for (int i = 0; i < memory.location_count; i++)
		if (locations[i].block == block)
			location_free(&locations[i]);
	block->freed = true;
}

int model_allocated(void)
{
	int count = 0;

	for (int i = 0; i < memory.region_count; i++)
		count += regions[i].allocated && !regions[i].freed;
	return count;
}

void model_name(const void *object, const char *name)
{
	model__location_find(object)->name = name;
}
