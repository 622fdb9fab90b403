/* SPDX-License-Identifier: MIT */
/*
 * weft/branches.h: the branches of a join or select, each as what weftcc looks for. Private.
 */
#ifndef WEFT_BRANCHES_H
#define WEFT_BRANCHES_H

/* For who compiles plain C, branches have an order: two may assign to one variable. */
#if defined(__WEFTCC__)
#define WEFT_BRANCH_(branch) ((void)(branch), 0)
#else
#define WEFT_BRANCH_(branch)                                                                       \
	(__extension__({                                                                           \
		(void)(branch);                                                                    \
		0;                                                                                 \
	}))
#endif

/* Up to 64 of them. */
#define WEFT_BRANCHES_(...)                                                                        \
	WEFT_BRANCHES_N_(__VA_ARGS__, 64, 63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50,  \
			49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32,    \
			31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14,    \
			13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)                                 \
	(__VA_ARGS__)
#define WEFT_BRANCHES_N_(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16,    \
		_17, _18, _19, _20, _21, _22, _23, _24, _25, _26, _27, _28, _29, _30, _31, _32,    \
		_33, _34, _35, _36, _37, _38, _39, _40, _41, _42, _43, _44, _45, _46, _47, _48,    \
		_49, _50, _51, _52, _53, _54, _55, _56, _57, _58, _59, _60, _61, _62, _63, _64,    \
		count, ...)                                                                        \
	WEFT_BRANCHES_##count##_
#define WEFT_BRANCHES_1_(b) WEFT_BRANCH_(b)
#define WEFT_BRANCHES_2_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_1_(__VA_ARGS__)
#define WEFT_BRANCHES_3_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_2_(__VA_ARGS__)
#define WEFT_BRANCHES_4_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_3_(__VA_ARGS__)
#define WEFT_BRANCHES_5_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_4_(__VA_ARGS__)
#define WEFT_BRANCHES_6_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_5_(__VA_ARGS__)
#define WEFT_BRANCHES_7_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_6_(__VA_ARGS__)
#define WEFT_BRANCHES_8_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_7_(__VA_ARGS__)
#define WEFT_BRANCHES_9_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_8_(__VA_ARGS__)
#define WEFT_BRANCHES_10_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_9_(__VA_ARGS__)
#define WEFT_BRANCHES_11_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_10_(__VA_ARGS__)
#define WEFT_BRANCHES_12_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_11_(__VA_ARGS__)
#define WEFT_BRANCHES_13_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_12_(__VA_ARGS__)
#define WEFT_BRANCHES_14_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_13_(__VA_ARGS__)
#define WEFT_BRANCHES_15_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_14_(__VA_ARGS__)
#define WEFT_BRANCHES_16_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_15_(__VA_ARGS__)
#define WEFT_BRANCHES_17_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_16_(__VA_ARGS__)
#define WEFT_BRANCHES_18_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_17_(__VA_ARGS__)
#define WEFT_BRANCHES_19_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_18_(__VA_ARGS__)
#define WEFT_BRANCHES_20_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_19_(__VA_ARGS__)
#define WEFT_BRANCHES_21_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_20_(__VA_ARGS__)
#define WEFT_BRANCHES_22_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_21_(__VA_ARGS__)
#define WEFT_BRANCHES_23_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_22_(__VA_ARGS__)
#define WEFT_BRANCHES_24_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_23_(__VA_ARGS__)
#define WEFT_BRANCHES_25_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_24_(__VA_ARGS__)
#define WEFT_BRANCHES_26_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_25_(__VA_ARGS__)
#define WEFT_BRANCHES_27_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_26_(__VA_ARGS__)
#define WEFT_BRANCHES_28_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_27_(__VA_ARGS__)
#define WEFT_BRANCHES_29_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_28_(__VA_ARGS__)
#define WEFT_BRANCHES_30_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_29_(__VA_ARGS__)
#define WEFT_BRANCHES_31_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_30_(__VA_ARGS__)
#define WEFT_BRANCHES_32_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_31_(__VA_ARGS__)
#define WEFT_BRANCHES_33_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_32_(__VA_ARGS__)
#define WEFT_BRANCHES_34_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_33_(__VA_ARGS__)
#define WEFT_BRANCHES_35_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_34_(__VA_ARGS__)
#define WEFT_BRANCHES_36_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_35_(__VA_ARGS__)
#define WEFT_BRANCHES_37_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_36_(__VA_ARGS__)
#define WEFT_BRANCHES_38_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_37_(__VA_ARGS__)
#define WEFT_BRANCHES_39_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_38_(__VA_ARGS__)
#define WEFT_BRANCHES_40_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_39_(__VA_ARGS__)
#define WEFT_BRANCHES_41_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_40_(__VA_ARGS__)
#define WEFT_BRANCHES_42_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_41_(__VA_ARGS__)
#define WEFT_BRANCHES_43_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_42_(__VA_ARGS__)
#define WEFT_BRANCHES_44_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_43_(__VA_ARGS__)
#define WEFT_BRANCHES_45_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_44_(__VA_ARGS__)
#define WEFT_BRANCHES_46_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_45_(__VA_ARGS__)
#define WEFT_BRANCHES_47_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_46_(__VA_ARGS__)
#define WEFT_BRANCHES_48_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_47_(__VA_ARGS__)
#define WEFT_BRANCHES_49_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_48_(__VA_ARGS__)
#define WEFT_BRANCHES_50_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_49_(__VA_ARGS__)
#define WEFT_BRANCHES_51_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_50_(__VA_ARGS__)
#define WEFT_BRANCHES_52_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_51_(__VA_ARGS__)
#define WEFT_BRANCHES_53_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_52_(__VA_ARGS__)
#define WEFT_BRANCHES_54_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_53_(__VA_ARGS__)
#define WEFT_BRANCHES_55_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_54_(__VA_ARGS__)
#define WEFT_BRANCHES_56_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_55_(__VA_ARGS__)
#define WEFT_BRANCHES_57_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_56_(__VA_ARGS__)
#define WEFT_BRANCHES_58_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_57_(__VA_ARGS__)
#define WEFT_BRANCHES_59_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_58_(__VA_ARGS__)
#define WEFT_BRANCHES_60_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_59_(__VA_ARGS__)
#define WEFT_BRANCHES_61_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_60_(__VA_ARGS__)
#define WEFT_BRANCHES_62_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_61_(__VA_ARGS__)
#define WEFT_BRANCHES_63_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_62_(__VA_ARGS__)
#define WEFT_BRANCHES_64_(b, ...) WEFT_BRANCH_(b), WEFT_BRANCHES_63_(__VA_ARGS__)

#endif
