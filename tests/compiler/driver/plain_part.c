/* SPDX-License-Identifier: MIT */
int plain_part(void);

int plain_part(void)
{
	return 7;
}
