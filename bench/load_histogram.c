/* SPDX-License-Identifier: MIT */
/*
 * load_histogram.c: log-linear buckets, 64 to every power of two.
 *
 * How   Values below 64 ns have a bucket each. Above, a value with its highest
 *       bit at position e falls into one of the 64 equal steps from 2^e to
 *       2^(e+1), so a quantile is at most 1/64 above the truth. The maximum is
 *       kept exactly.
 */
#include "load.h"

enum { SUB_COUNT = 1 << HISTOGRAM_SUB_BITS };

static size_t bucket_of(uint64_t value)
{
	int exponent;

	if (value < SUB_COUNT)
		return (size_t)value;
	exponent = 63 - __builtin_clzll(value);
	return ((size_t)(exponent - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS) +
			((value >> (exponent - HISTOGRAM_SUB_BITS)) & (SUB_COUNT - 1));
}

/* The largest value that falls into the bucket. */
static int64_t bucket_top(size_t bucket)
{
	size_t octave = bucket >> HISTOGRAM_SUB_BITS;
	uint64_t step = bucket & (SUB_COUNT - 1);

	if (octave == 0)
		return (int64_t)bucket;
	return (int64_t)(((SUB_COUNT + step + 1) << (octave - 1)) - 1);
}

void histogram_add(struct histogram *histogram, int64_t value_ns)
{
	uint64_t value = value_ns > 0 ? (uint64_t)value_ns : 0;

	histogram->counts[bucket_of(value)]++;
	histogram->total++;
	if (value_ns > histogram->max_ns)
		histogram->max_ns = value_ns;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->counts[i] += from->counts[i];
	into->total += from->total;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
}

int64_t histogram_quantile(const struct histogram *histogram, double share)
{
	uint64_t rank = (uint64_t)((double)histogram->total * share);
	uint64_t seen = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->counts[i];
		if (seen > rank)
			return bucket_top(i) < histogram->max_ns ? bucket_top(i)
								 : histogram->max_ns;
	}
	return histogram->max_ns;
}
