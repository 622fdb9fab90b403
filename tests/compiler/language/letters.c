/* SPDX-License-Identifier: MIT */
/* Names with letters beyond ASCII, written as they are and as universal character names; digraphs. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

struct füße {
	int maß;
};

static async int größer(int größe)
{
	int maß = größe, *p = &maß;
	struct füße s = { 2 };

	await weft_yield();
	ma\u00df += s.ma\U000000df + *p;
	return maß;
}

static async int digraphs(int n)
<%
	int a<:3:> = <% 1, 2, 3 %>, *p = (int<::>)<% n, n + 1 %>;

	defer <% printf("<%% <: %d:>\n", a<:1:>); %>
	for (int i = 0; i < 3; i++) <% await weft_yield(); a<:i:> += n; %>
	return a<:0:>*a<: await weft_yield() + 1:>>p<:1:>;
%>

async int main(void)
{
	printf("%d\n", await digraphs(4));
	int 中 = await größer(3);

	printf("%d %s \u00e4 \\u00e4 %d\n", 中, __func__, '\'' /* \u00e4 */);
	await weft_yield();
	return await gr\u00f6\u00dfer(中) != 18;
}
