/* SPDX-License-Identifier: MIT */
static int never(void)
{
	return 1;
}
