/* SPDX-License-Identifier: MIT */
struct late {
	int kept;
	int async;
};
