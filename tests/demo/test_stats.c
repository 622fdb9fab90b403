/* SPDX-License-Identifier: MIT */
/* The statistics that the programs of bench/switch print (row S3-5). */
#include "switch.h"
#include "test.h"

TEST(s3_5_mean_and_population_stddev)
{
	static const double values[] = { 2, 4, 4, 4, 5, 5, 7, 9 };
	struct switch_stats stats = { 0 };

	for (unsigned i = 0; i < sizeof values / sizeof *values; i++)
		switch_stats_push(&stats, values[i]);
	CHECK(switch_stats_mean(&stats) == 5);
	CHECK(switch_stats_population_stddev(&stats) == 2);
}

TEST(s3_5_stddev_of_equal_values_is_no_rounding_error)
{
	struct switch_stats stats = { 0 };

	for (int i = 0; i < 3; i++)
		switch_stats_push(&stats, 0.1);
	CHECK(switch_stats_population_stddev(&stats) < 1e-8);
}
