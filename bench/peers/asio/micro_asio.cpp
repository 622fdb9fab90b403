/* SPDX-License-Identifier: MIT */
/*
 * micro_asio.cpp: what Boost.Asio's coroutines and timers cost. Names, output and method: bench/README.md.
 *
 * One thread: workers are ignored. This version of Asio has no channel and no lock for coroutines; who
 * waits for a condition waits, as in Asio's own chat server, on a timer that never expires and that is
 * cancelled when the condition holds.
 */
#include <utility> /* Asio 1.18 forgets it */

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

extern "C" {
#include "../../micro/micro.h"
}

namespace asio = boost::asio;
using asio::awaitable;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr int MEMORY_TASKS = 1000000, TIMERS = 1000000;

class event {
	asio::steady_timer timer;

public:
	explicit event(asio::io_context &loop)
		: timer(loop, steady_clock::time_point::max())
	{
	}

	awaitable<void> wait()
	{
		boost::system::error_code error;

		co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
	}

	void set_one()
	{
		timer.cancel_one();
	}

	void set_all()
	{
		timer.cancel();
	}
};

class channel {
	std::deque<std::int64_t> items;
	std::size_t capacity;
	event filled, emptied;

public:
	channel(asio::io_context &loop, std::size_t room)
		: capacity(room)
		, filled(loop)
		, emptied(loop)
	{
	}

	awaitable<void> send(std::int64_t value)
	{
		while (items.size() == capacity)
			co_await emptied.wait();
		items.push_back(value);
		filled.set_one();
	}

	awaitable<std::int64_t> receive()
	{
		while (items.empty())
			co_await filled.wait();
		std::int64_t value = items.front();
		items.pop_front();
		emptied.set_one();
		co_return value;
	}
};

/* Runs the benchmark as a coroutine, to its end. */
template<typename Body> micro_sample run(Body body)
{
	asio::io_context loop(1);
	micro_sample sample = {};

	asio::co_spawn(loop, body(loop, sample), [](std::exception_ptr error) {
		micro_expect(error == nullptr, true);
	});
	loop.run();
	return sample;
}

awaitable<void> yield(asio::io_context &loop)
{
	co_await asio::post(loop, asio::use_awaitable);
}

/* ---- spawning ---- */

awaitable<std::int64_t> give(std::int64_t value)
{
	co_return value;
}

micro_sample spawn_join(std::int64_t batches, std::int64_t tasks)
{
	return run([=](asio::io_context &loop, micro_sample &sample) -> awaitable<void> {
		event all_done(loop);
		std::int64_t sum = 0, remaining;
		micro_watch watch = micro_watch_start(), first = watch;

		for (std::int64_t batch = 0; batch < batches; batch++) {
			remaining = tasks;
			for (std::int64_t i = 0; i < tasks; i++)
				asio::co_spawn(loop, give(i), [&](std::exception_ptr, std::int64_t value) {
					sum += value;
					if (--remaining == 0)
						all_done.set_one();
				});
			while (remaining > 0)
				co_await all_done.wait();
			if (batch == 0)
				first = micro_watch_start();
		}
		sample = micro_cold_and_warm(&watch, &first, batches, tasks);
		micro_expect(sum, batches * (tasks * (tasks - 1) / 2));
	});
}

micro_sample spawn_join_batch(int)
{
	std::int64_t count = micro_count(1000);

	return spawn_join(micro_rounds(1000000, count), count);
}

micro_sample spawn_join_100k(int)
{
	return spawn_join(6, 100000);
}

micro_sample spawn_join_one(int)
{
	return run([](asio::io_context &loop, micro_sample &sample) -> awaitable<void> {
		const std::int64_t rounds = 500000;
		std::int64_t sum = 0;
		micro_watch watch = micro_watch_start();

		for (std::int64_t i = 0; i < rounds; i++)
			sum += co_await asio::co_spawn(loop, give(i), asio::use_awaitable);
		sample = micro_wall_per(&watch, rounds);
		micro_expect(sum, rounds * (rounds - 1) / 2);
	});
}

awaitable<void> chain(asio::io_context &loop, int links, std::int64_t &sum, event &done)
{
	if (links == 0)
		done.set_one();
	else
		asio::co_spawn(loop, chain(loop, links - 1, ++sum, done), asio::detached);
	co_return;
}

micro_sample chained_spawn(int)
{
	return run([](asio::io_context &loop, micro_sample &sample) -> awaitable<void> {
		const int rounds = 300, links = 1000;
		std::int64_t sum = 0;
		event done(loop);
		micro_watch watch = micro_watch_start();

		for (int i = 0; i < rounds; i++) {
			asio::co_spawn(loop, chain(loop, links, sum, done), asio::detached);
			co_await done.wait();
		}
		sample = micro_wall_per(&watch, rounds * links);
		micro_expect(sum, rounds * links);
	});
}

/* ---- from other threads, and calls that may block ---- */

template<int threads, int busy_tasks = 0> micro_sample remote_spawn(int)
{
	const std::int64_t count = 200000, each = count / threads;
	std::atomic<std::int64_t> sum = 0;
	std::atomic<bool> started = false;
	std::vector<std::thread> spawners;
	asio::io_context loop(1);
	asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(loop);
	std::int64_t remaining = count;
	micro_watch watch;
	auto task = [&](std::int64_t value) -> awaitable<void> {
		sum += value;
		if (--remaining == 0)
			work.reset();
		co_return;
	};
	auto busy = [&]() -> awaitable<void> {
		while (remaining > 0)
			co_await asio::post(loop, asio::use_awaitable);
	};

	for (int i = 0; i < threads; i++)
		spawners.emplace_back([&] {
			while (!started)
				std::this_thread::yield();
			for (std::int64_t j = 0; j < each; j++)
				asio::co_spawn(loop, task(j), asio::detached);
		});
	for (int i = 0; i < busy_tasks; i++)
		asio::co_spawn(loop, busy(), asio::detached);
	watch = micro_watch_start();
	started = true;
	loop.run();
	micro_sample sample = micro_wall_and_cpu_per(&watch, count);
	for (std::thread &spawner : spawners)
		spawner.join();
	micro_expect(sum, threads * (each * (each - 1) / 2));
	return sample;
}

/* On a pool of as many threads as there are submitters: Asio's have a fixed size. */
template<int submitters> micro_sample spawn_blocking(int)
{
	asio::thread_pool pool((std::size_t)submitters);

	return run([&](asio::io_context &loop, micro_sample &sample) -> awaitable<void> {
		const std::int64_t calls = 8000, each = calls / submitters;
		std::int64_t sum = 0;
		int remaining = submitters;
		event all_done(loop);
		auto submit = [&]() -> awaitable<void> {
			for (std::int64_t i = 0; i < each; i++)
				sum += co_await asio::co_spawn(pool, give(i + 1), asio::use_awaitable);
			if (--remaining == 0)
				all_done.set_one();
		};

		micro_watch watch = micro_watch_start();
		for (int i = 0; i < submitters; i++)
			asio::co_spawn(loop, submit(), asio::detached);
		co_await all_done.wait();
		sample = micro_wall_and_cpu_per(&watch, calls);
		micro_expect(sum, submitters * (each * (each + 1) / 2));
	});
}

/* ---- nested awaits ---- */

template<int Depth> awaitable<std::int64_t> nested(asio::io_context &loop, bool yields, std::int64_t i)
{
	if constexpr (Depth > 0)
		co_return co_await nested<Depth - 1>(loop, yields, i) + 1;
	if (yields)
		co_await yield(loop);
	co_return i;
}

template<int Depth, bool Yields> micro_sample nested_run(int)
{
	return run([](asio::io_context &loop, micro_sample &sample) -> awaitable<void> {
		const std::int64_t count = Yields ? 300000 : 500000;
		std::int64_t sum = 0;
		micro_watch watch = micro_watch_start();

		for (std::int64_t i = 0; i < count; i++)
			sum += co_await nested<Depth>(loop, Yields, i);
		sample = micro_wall_per(&watch, count);
		micro_expect(sum, count * (count - 1) / 2 + count * Depth);
	});
}

/* ---- switching ---- */

micro_sample yields(int tasks, int turns)
{
	return run([=](asio::io_context &loop, micro_sample &sample) -> awaitable<void> {
		int remaining = tasks, each = turns / tasks;
		std::int64_t sum = 0;
		bool go = false;
		event all_done(loop);
		auto take_turns = [&]() -> awaitable<void> {
			while (!go)
				co_await yield(loop);
			for (int i = 1; i < each; i++)
				co_await yield(loop);
			sum += each;
			if (--remaining == 0)
				all_done.set_one();
		};

		for (int i = 0; i < tasks; i++)
			asio::co_spawn(loop, take_turns(), asio::detached);
		co_await yield(loop);
		micro_watch watch = micro_watch_start();
		go = true;
		co_await all_done.wait();
		sample = micro_wall_per(&watch, turns);
		micro_expect(sum, turns);
	});
}

micro_sample yield_2(int)
{
	return yields(2, 1000000);
}

micro_sample yield_1k(int)
{
	int count = (int)micro_count(1000);

	return yields(count, (int)micro_rounds(2000000, count) * count);
}

micro_sample yield_100k(int)
{
	return yields(100000, 2000000);
}

/* ---- channels ---- */

micro_sample channel_ping_pong(int)
{
	return run([](asio::io_context &loop, micro_sample &sample) -> awaitable<void> {
		const std::int64_t rounds = 200000;
		std::int64_t sum = 0;
		channel out(loop, 1), back(loop, 1);
		auto answer = [&]() -> awaitable<void> {
			for (std::int64_t i = 0; i < rounds; i++)
				co_await back.send(co_await out.receive() + 1);
		};

		asio::co_spawn(loop, answer(), asio::detached);
		micro_watch watch = micro_watch_start();
		for (std::int64_t i = 0; i < rounds; i++) {
			co_await out.send(i);
			sum += co_await back.receive();
		}
		sample = micro_wall_per(&watch, rounds);
		micro_expect(sum, rounds * (rounds + 1) / 2);
		co_await yield(loop); /* the other one ends, too */
	});
}

micro_sample channel_from(int senders)
{
	return run([=](asio::io_context &loop, micro_sample &sample) -> awaitable<void> {
		const std::int64_t messages = 1000000, each = messages / senders;
		std::int64_t sum = 0;
		channel queue(loop, 100);
		auto send_all = [&]() -> awaitable<void> {
			for (std::int64_t i = 0; i < each; i++)
				co_await queue.send(i);
		};

		micro_watch watch = micro_watch_start();
		for (int i = 0; i < senders; i++)
			asio::co_spawn(loop, send_all(), asio::detached);
		for (std::int64_t i = 0; i < messages; i++)
			sum += co_await queue.receive();
		sample = micro_wall_per(&watch, messages);
		micro_expect(sum, senders * (each * (each - 1) / 2));
		co_await yield(loop);
	});
}

micro_sample channel_1_to_1(int)
{
	return channel_from(1);
}

micro_sample channel_4_to_1(int)
{
	return channel_from(4);
}

/* ---- timers ---- */

/* A number below `bound` that looks random but is the same in every run. */
int scatter(int i, int bound)
{
	std::uint64_t mixed = ((std::uint64_t)i + 1) * 0x9e3779b97f4a7c15u;

	return (int)((mixed >> 32) % (std::uint64_t)bound);
}

micro_sample timer_create_cancel(int)
{
	return run([](asio::io_context &loop, micro_sample &sample) -> awaitable<void> {
		const std::int64_t count = micro_count(TIMERS), rounds = micro_rounds(2 * TIMERS, count);
		std::vector<std::unique_ptr<asio::steady_timer>> timers((std::size_t)count);
		std::int64_t cancelled = 0;
		int fired = 0;
		micro_watch watch = micro_watch_start(), first = watch;

		for (std::int64_t round = 0; round < rounds; round++) {
			for (int i = 0; i < count; i++) {
				timers[i] = std::make_unique<asio::steady_timer>(
						loop, milliseconds(60000 + scatter(i, 3600000)));
				timers[i]->async_wait([&](boost::system::error_code error) { fired += !error; });
			}
			for (std::int64_t i = 0; i < count; i++) {
				auto &timer = timers[i * 611953 % count]; /* a prime, so every index comes once */

				cancelled += (std::int64_t)timer->cancel();
				timer.reset();
			}
			co_await yield(loop); /* the handlers are told that they are cancelled */
			if (round == 0)
				first = micro_watch_start();
		}
		sample = micro_cold_and_warm(&watch, &first, rounds, count);
		micro_expect(cancelled, rounds * count);
		micro_expect(fired, 0);
	});
}

micro_sample sleepers(int tasks, int each, int most)
{
	return run([=](asio::io_context &loop, micro_sample &sample) -> awaitable<void> {
		int remaining = tasks, early = 0;
		event all_done(loop);
		auto sleep_shortly = [&](int seed) -> awaitable<void> {
			for (int i = 0; i < each; i++) {
				milliseconds duration(1 + scatter(seed + i, most));
				steady_clock::time_point before = steady_clock::now();
				asio::steady_timer timer(loop, duration);

				co_await timer.async_wait(asio::use_awaitable);
				early += steady_clock::now() - before < duration;
			}
			if (--remaining == 0)
				all_done.set_one();
		};

		micro_watch watch = micro_watch_start();
		for (int i = 0; i < tasks; i++)
			asio::co_spawn(loop, sleep_shortly(i * each), asio::detached);
		co_await all_done.wait();
		sample = micro_wall_and_cpu_per(&watch, (std::int64_t)tasks * each);
		micro_expect(early, 0);
		micro_expect(remaining, 0);
	});
}

micro_sample timer_create_fire(int)
{
	return sleepers(50000, 10, 10);
}

micro_sample sleepers_1m(int)
{
	return sleepers(1000000, 1, 500);
}

/* ---- how late timers are ---- */

awaitable<void> sleep_measured(asio::io_context &loop, milliseconds duration, std::vector<std::int64_t> &late)
{
	steady_clock::time_point due = steady_clock::now() + duration;
	asio::steady_timer timer(loop, due);

	co_await timer.async_wait(asio::use_awaitable);
	late.push_back(std::chrono::nanoseconds(steady_clock::now() - due).count());
	micro_expect(late.back() >= 0, true);
}

micro_sample timer_late(int)
{
	std::vector<std::int64_t> late, unused;
	run([&](asio::io_context &loop, micro_sample &) -> awaitable<void> {
		auto sleep_often = [&](int seed) -> awaitable<void> {
			for (int i = seed; i < seed + 20; i++)
				co_await sleep_measured(loop, milliseconds(1 + scatter(i, 10)), late);
		};

		for (int i = 0; i < 1000; i++)
			asio::co_spawn(loop, sleep_often(20 * i), asio::detached);
		while (late.size() < 20000)
			co_await sleep_measured(loop, milliseconds(10), unused);
	});
	return micro_quantiles("timer_late", late.data(), late.size());
}

/* One coroutine computes for 10 ms, sleeps for 10 ms; others sleep for 1 ms again and again. */
micro_sample busy_10ms(int)
{
	std::vector<std::int64_t> late, unused;
	run([&](asio::io_context &loop, micro_sample &) -> awaitable<void> {
		bool over = false;
		int tickers = 8;
		auto tick = [&]() -> awaitable<void> {
			while (!over)
				co_await sleep_measured(loop, milliseconds(1), late);
			tickers--;
		};

		for (int i = 0; i < 8; i++)
			asio::co_spawn(loop, tick(), asio::detached);
		for (int i = 0; i < 50; i++) {
			auto until = steady_clock::now() + milliseconds(10);
			while (steady_clock::now() < until)
				continue;
			co_await sleep_measured(loop, milliseconds(10), unused);
		}
		over = true;
		while (tickers > 0)
			co_await sleep_measured(loop, milliseconds(1), unused);
	});
	micro_expect(late.size() >= 8 * 50, true);
	return micro_quantiles("busy_10ms", late.data(), late.size());
}

/* ---- memory ---- */

/* `wait` stays until all tasks have ended. */
template<typename Wait> awaitable<micro_sample> memory_per_task(asio::io_context &loop, Wait &wait)
{
	static int ready;
	std::int64_t before = micro_resident_bytes();
	auto body = [](Wait &wait_for) -> awaitable<void> {
		ready++;
		co_await wait_for();
	};

	for (int i = 0; i < MEMORY_TASKS; i++)
		asio::co_spawn(loop, body(wait), asio::detached);
	while (ready < MEMORY_TASKS)
		co_await yield(loop);
	co_return micro_sample{ (double)(micro_resident_bytes() - before) / MEMORY_TASKS, 0 };
}

micro_sample memory_sleeping(int)
{
	return run([](asio::io_context &loop, micro_sample &sample) -> awaitable<void> {
		auto sleep = [&loop]() -> awaitable<void> {
			asio::steady_timer timer(loop, std::chrono::hours(1));

			co_await timer.async_wait(asio::use_awaitable);
		};

		sample = co_await memory_per_task(loop, sleep);
		loop.stop();
	});
}

micro_sample memory_waiting(int)
{
	return run([](asio::io_context &loop, micro_sample &sample) -> awaitable<void> {
		int ended = 0;
		event wake_up(loop);

		auto wait = [&]() -> awaitable<void> {
			co_await wake_up.wait();
			ended++;
		};

		sample = co_await memory_per_task(loop, wait);
		wake_up.set_all();
		while (ended < MEMORY_TASKS)
			co_await yield(loop);
	});
}

const micro_benchmark benchmarks[] = {
	{ "spawn_join_batch", spawn_join_batch, false },
	{ "spawn_join_one", spawn_join_one, false },
	{ "spawn_join_100k", spawn_join_100k, true },
	{ "chained_spawn", chained_spawn, false },
	{ "remote_spawn_1", remote_spawn<1>, false },
	{ "remote_spawn_4", remote_spawn<4>, false },
	{ "remote_spawn_16", remote_spawn<16>, false },
	{ "remote_spawn_64", remote_spawn<64>, false },
	{ "remote_spawn_busy", remote_spawn<1, 8>, false },
	{ "spawn_blocking_1", spawn_blocking<1>, false },
	{ "spawn_blocking_4", spawn_blocking<4>, false },
	{ "spawn_blocking_16", spawn_blocking<16>, false },
	{ "nested_ready_1", nested_run<1, false>, false },
	{ "nested_ready_5", nested_run<5, false>, false },
	{ "nested_ready_20", nested_run<20, false>, false },
	{ "nested_yield_1", nested_run<1, true>, false },
	{ "nested_yield_5", nested_run<5, true>, false },
	{ "nested_yield_20", nested_run<20, true>, false },
	{ "yield_2", yield_2, false },
	{ "yield_1k", yield_1k, false },
	{ "yield_100k", yield_100k, false },
	{ "channel_ping_pong", channel_ping_pong, false },
	{ "channel_1_to_1", channel_1_to_1, false },
	{ "channel_4_to_1", channel_4_to_1, false },
	{ "timer_create_cancel", timer_create_cancel, true },
	{ "timer_create_fire", timer_create_fire, false },
	{ "sleepers_1m", sleepers_1m, true },
	{ "timer_late", timer_late, true },
	{ "busy_10ms", busy_10ms, true },
	{ "memory_sleeping_bytes", memory_sleeping, true },
	{ "memory_waiting_bytes", memory_waiting, true },
};

} // namespace

int main(int argc, char **argv)
{
	return micro_main(argc, argv, benchmarks, sizeof benchmarks / sizeof benchmarks[0]);
}
