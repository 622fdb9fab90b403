/* SPDX-License-Identifier: MIT */
/* flags: --frame-limit=1
 * Which locals are kept in the frame: each that is, in a function of its own; a `gone` never is. */
#include <weft/async.h>

extern int n;
int plain(int x);
async int tick(int x);

/* ---- operators ---- */

async int and_right(void)
{
	int and_right = n;

	if (n && await tick(1))
		return and_right;
	return 0;
}

async int and_left(void)
{
	int and_left = n;

	if (await tick(1) && n)
		return and_left;
	return 0;
}

async int and_not_reached(void)
{
	int not_assigned = n;

	(void)(await tick(1) && (not_assigned = plain(1)));
	return not_assigned;
}

async int choice_first(void)
{
	int first = n;

	return await tick(1) ? first : 0;
}

async int choice_second(void)
{
	int second = n;

	return await tick(1) ? 0 : second;
}

async int choice_awaits(void)
{
	int over_first = n;

	(void)(n ? await tick(1) : 0);
	return over_first;
}

async int choice_awaits_second(void)
{
	int over_second = n;

	(void)(n ? 0 : await tick(1));
	return over_second;
}

async int comma(void)
{
	int behind_comma = n;

	return await tick(1), behind_comma;
}

async int comma_right(void)
{
	int over_comma = n;

	(void)(plain(1), await tick(1));
	return over_comma;
}

async int operand(void)
{
	int operand = n, gone = n;

	n = plain(gone);
	return operand + await tick(1);
}

async int argument(void)
{
	int argument = n;

	await tick(1);
	return await tick(argument);
}

async int assigned_in_parentheses(void)
{
	int gone = n;

	plain(gone);
	await tick(1);
	(gone = 1);
	return gone;
}

async int assigned_and_used(void)
{
	int added_to = n;

	await tick(1);
	added_to += 1;
	return added_to;
}

async int statement_expression(void)
{
	int inside = n;
	int r = ({
		int gone = await tick(1);

		gone + inside;
	});

	await tick(1);
	return plain(({
		int gone = n;

		gone;
	})) + r;
}

async int built_in(void)
{
	int gone = n, over_both = n;

	plain(gone);
	await weft_join(gone = tick(1), tick(2));
	return gone + over_both;
}

/* ---- loops ---- */

async int for_ever(void)
{
	int gone;

	for (;;) {
		if (n) {
			gone = 3;
			break;
		}
		await tick(1);
	}
	return gone;
}

async int for_condition(void)
{
	int behind_for = n;

	for (; plain(1);)
		await tick(1);
	return behind_for;
}

async int for_first(void)
{
	int of_expression = n, i;

	await tick(1);
	for (i = of_expression; plain(i);)
		i++;
	return 0;
}

async int for_declares(void)
{
	int of_declaration = n;

	await tick(1);
	for (int gone = of_declaration; plain(gone);)
		gone++;
	return 0;
}

async int for_step(void)
{
	int of_step = n;

	for (; plain(1); plain(of_step))
		await tick(1);
	return 0;
}

async int for_step_awaits(void)
{
	int over_step = n;

	for (; plain(1); await tick(1))
		;
	return over_step;
}

async int for_again(void)
{
	int of_condition = n;

	for (; plain(of_condition); n++)
		await tick(1);
	return 0;
}

async int for_continues(void)
{
	int continued = n;

	for (; n; plain(continued)) {
		if (plain(1)) {
			await tick(1);
			continue;
		}
		return 0;
	}
	return 0;
}

async int while_again(void)
{
	int of_body = n;

	while (plain(1)) {
		plain(of_body);
		await tick(1);
	}
	return 0;
}

async int while_awaits(void)
{
	int over_condition = n;

	while (await tick(1))
		;
	return over_condition;
}

async int while_later(void)
{
	int of_later = n, gone = n;

	plain(gone);
	await tick(1);
	while (plain(1))
		plain(of_later);
	return 0;
}

async int while_once(void)
{
	int asked_once = n;

	await tick(1);
	while (plain(asked_once))
		return 1;
	return 0;
}

async int do_again(void)
{
	int of_do = n;

	do {
		plain(of_do);
		await tick(1);
	} while (n);
	return 0;
}

async int do_condition(void)
{
	int asked_by_do = n;

	do
		await tick(1);
	while (plain(asked_by_do));
	return 0;
}

async int do_awaits(void)
{
	int over_do = n;

	do
		n++;
	while (await tick(1));
	return over_do;
}

async int do_assigns(void)
{
	int gone = n;

	plain(gone);
	await tick(1);
	do
		gone = plain(1);
	while (gone);
	return gone;
}

async int do_continues(void)
{
	int continued_do = n;

	do {
		if (plain(1)) {
			await tick(1);
			continue;
		}
		return 0;
	} while (plain(continued_do));
	return 0;
}

/* ---- other ways ---- */

async int switch_on(void)
{
	int switched_on = n;

	await tick(1);
	switch (switched_on) {
	}
	return 0;
}

async int switch_case(void)
{
	int in_case = n;

	await tick(1);
	switch (n) {
	case 1:
		plain(in_case);
	}
	return 0;
}

async int switch_breaks(void)
{
	int behind_break = n, gone = n;

	switch (n) {
	case 1:
		await tick(1);
		break;
	default:
		plain(gone);
		return 0;
	}
	return behind_break;
}

async int switch_awaits(void)
{
	int over_switch = n;

	switch (await tick(1)) {
	case 1:
		return 0;
	}
	return over_switch;
}

async int if_else(void)
{
	int in_else = n, gone = n;

	if (await tick(1))
		return 0;
	else if (plain(in_else)) {
		await tick(1);
		return 1;
	}
	gone = 1;
	return gone;
}

async int if_awaits(void)
{
	int over_branch = n, gone = n;

	if (n) {
		await tick(1);
		return 0;
	}
	if (n)
		;
	else
		await tick(1);
	return over_branch;
	return gone;
}

async int goes_on(void)
{
	int at_label = n, gone = n;

	await tick(1);
	if (plain(1))
		goto out;
	if (plain(2))
		goto end;
	return 0;
	plain(gone);
out:
	return at_label;
end:
	return 1;
}

async int goes_back(void)
{
	int of_label = n;

back:
	plain(of_label);
	if (plain(1)) {
		await tick(1);
		goto back;
	}
	return 0;
}

async int over_the_end(void)
{
	int behind_defer = n;

	{
		defer await tick(1);
		n++;
	}
	return behind_defer;
}

async int out_of_the_end(void)
{
	int in_result = n;

	while (n) {
		defer await tick(1);
		if (plain(1))
			break;
		return 0;
	}
	return in_result;
}

async int deferred(void)
{
	int deferred = n;

	defer plain(deferred);
	return await tick(1);
}
