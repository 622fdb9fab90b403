# SPDX-License-Identifier: MIT
# weft_async_sources(target file...): adds C sources that may use the words of <weft/async.h>.
#
#     find_package(weft 0.1 REQUIRED)
#     add_executable(server main.c)
#     weft_async_sources(server connection.c protocol.c)
#     target_link_libraries(server PRIVATE weft::weft)
#
# The target keeps its compiler: weftcc is launched around it. Sources without such a word get the
# objects that they would have had. WEFTCC names another weftcc. Needs a Makefile or Ninja generator.
include_guard(GLOBAL)

# Beside this file in a build directory; in PREFIX/bin if this is PREFIX/lib[/machine]/cmake/weft.
find_program(WEFTCC weftcc HINTS
	${CMAKE_CURRENT_LIST_DIR}
	${CMAKE_CURRENT_LIST_DIR}/../../../bin
	${CMAKE_CURRENT_LIST_DIR}/../../../../bin)

function(weft_async_sources target)
	if(NOT WEFTCC)
		message(FATAL_ERROR "weft_async_sources: there is no weftcc: this Weft was built without "
			"libclang. Install libclang's headers and build Weft again, or set WEFTCC.")
	endif()
	get_target_property(launcher ${target} C_COMPILER_LAUNCHER)
	if(NOT launcher)
		set(launcher)
	endif()
	if(NOT "--wrap" IN_LIST launcher)
		list(PREPEND launcher ${WEFTCC} --wrap)
		set_property(TARGET ${target} PROPERTY C_COMPILER_LAUNCHER ${launcher})
	endif()
	if(TARGET weftcc) # Weft is part of this build
		add_dependencies(${target} weftcc)
	endif()
	target_sources(${target} PRIVATE ${ARGN})
endfunction()
