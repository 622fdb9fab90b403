/* SPDX-License-Identifier: MIT */
#include "no_such_header.h"

int main(void)
{
	return undeclared;
}
