/* SPDX-License-Identifier: MIT */
/*
 * echo_asio.cpp: an echo server of Boost.Asio coroutines.
 *
 *     echo_asio [--http] PORT
 *
 * As most are written: a coroutine and a buffer of 16 KiB for each connection, on one thread.
 */
#include <utility> /* Asio 1.18 forgets it */

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <sys/resource.h>
#include <vector>

#include "../http.h"

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;

static awaitable<void> serve(tcp::socket conn)
{
	std::array<char, 16 * 1024> buffer;
	boost::system::error_code error;

	while (!error) {
		std::size_t count = co_await conn.async_read_some(asio::buffer(buffer),
				asio::redirect_error(asio::use_awaitable, error));

		if (!error)
			co_await asio::async_write(conn, asio::buffer(buffer, count),
					asio::redirect_error(asio::use_awaitable, error));
	}
}

static awaitable<void> serve_http(tcp::socket conn)
{
	std::array<char, HTTP_IN_BYTES> in;
	std::vector<char> out(HTTP_OUT_BYTES);
	std::size_t bytes = 0;
	boost::system::error_code error;

	for (;;) {
		bytes += co_await conn.async_read_some(asio::buffer(in) + bytes,
				asio::redirect_error(asio::use_awaitable, error));
		if (error)
			co_return;
		long answers = http_answer_all(in.data(), &bytes, out.data());
		if (answers < 0)
			co_return;
		co_await asio::async_write(conn, asio::buffer(out.data(), (std::size_t)answers),
				asio::redirect_error(asio::use_awaitable, error));
		if (error)
			co_return;
	}
}

static awaitable<void> serve_all(tcp::acceptor &acceptor, bool http)
{
	for (;;) {
		tcp::socket conn = co_await acceptor.async_accept(asio::use_awaitable);

		conn.set_option(tcp::no_delay(true));
		asio::co_spawn(acceptor.get_executor(),
				http ? serve_http(std::move(conn)) : serve(std::move(conn)),
				asio::detached);
	}
}

static void raise_file_limit()
{
	rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	bool http = argc == 3 && std::strcmp(argv[1], "--http") == 0;

	if (argc != 2 + http) {
		std::fputs("usage: echo_asio [--http] PORT\n", stderr);
		return 2;
	}
	asio::io_context loop(1);
	asio::signal_set signals(loop, SIGTERM, SIGINT);
	tcp::endpoint any(asio::ip::address_v4::loopback(), (unsigned short)std::atoi(argv[argc - 1]));
	tcp::acceptor acceptor(loop, any);

	raise_file_limit();
	signals.async_wait([&loop](auto, auto) { loop.stop(); });
	std::printf("listening %d\n", acceptor.local_endpoint().port());
	std::fflush(stdout);
	asio::co_spawn(loop, serve_all(acceptor, http), asio::detached);
	loop.run();
	return 0;
}
