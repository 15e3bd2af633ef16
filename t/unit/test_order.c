/* test_order.c - a stable sort of indexes. */
#include "unit.h"

#include "mail/order.h"

#include <errno.h>
#include <stdlib.h>

/* What the second key of an index is, in the tests that have one. */
static int by_second_key(const void *arg, uint32_t a, uint32_t b)
{
	const uint32_t *second = arg;

	return second[a] < second[b] ? -1 : second[a] > second[b];
}

static int all_are_equal(const void *arg, uint32_t a, uint32_t b)
{
	(void)arg, (void)a, (void)b;
	return 0;
}

START_TEST(a_new_array_counts_its_indexes)
{
	struct order *o = order_new(3);

	ck_assert_ptr_nonnull(o);
	ck_assert_uint_eq(o[0].index, 0);
	ck_assert_uint_eq(o[1].index, 1);
	ck_assert_uint_eq(o[2].index, 2);
	free(o);
}
END_TEST

START_TEST(nothing_and_one_are_in_order)
{
	struct order *o = order_new(0);

	ck_assert_ptr_nonnull(o);
	order_sort(o, 0, all_are_equal, NULL);
	free(o);
	o = order_new(1);
	ck_assert_ptr_nonnull(o);
	o[0].key = 5;
	order_sort(o, 1, all_are_equal, NULL);
	ck_assert_uint_eq(o[0].index, 0);
	ck_assert_uint_eq(o[0].key, 5);
	free(o);
}
END_TEST

START_TEST(a_count_that_cannot_be_had_is_no_memory)
{
	errno = 0;
	ck_assert_ptr_null(order_new(SIZE_MAX / sizeof(struct order)));
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_ptr_null(order_new(SIZE_MAX));
}
END_TEST

START_TEST(keys_are_compared_in_all_64_bits)
{
	struct order *o = order_new(4);

	ck_assert_ptr_nonnull(o);
	o[0].key = UINT64_MAX;
	o[1].key = UINT64_C(1) << 32;
	o[2].key = 1;
	o[3].key = (UINT64_C(1) << 63) + 1;
	order_sort(o, 4, all_are_equal, NULL);
	ck_assert_uint_eq(o[0].index, 2);
	ck_assert_uint_eq(o[1].index, 1);
	ck_assert_uint_eq(o[2].index, 3);
	ck_assert_uint_eq(o[3].index, 0);
	free(o);
}
END_TEST

START_TEST(equal_elements_stay_in_their_order)
{
	struct order *o = order_new(1000);
	uint32_t i;

	ck_assert_ptr_nonnull(o);
	for (i = 0; i < 1000; i++)
		o[i].key = i % 7;
	order_sort(o, 1000, all_are_equal, NULL);
	for (i = 1; i < 1000; i++)
		if (o[i].key == o[i - 1].key &&
		    o[i].index < o[i - 1].index)
			ck_abort_msg("%u stands before %u", o[i - 1].index,
			    o[i].index);
	ck_assert_uint_eq(o[0].index, 0);
	ck_assert_uint_eq(o[999].index, 993);
	free(o);
}
END_TEST

/* For qsort(), which is told to keep equals in order by their index. */
static const uint32_t *second;

static int for_qsort(const void *a, const void *b)
{
	const struct order *x = a, *y = b;
	int order;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	order = by_second_key(second, x->index, y->index);
	if (order == 0)
		order = x->index < y->index ? -1 : x->index > y->index;
	return order;
}

START_TEST(any_array_is_sorted_as_qsort_sorts_it)
{
	static uint32_t key[700];
	static struct order expect[700];
	uint32_t seed = 4711, round, i;

	for (round = 0; round < 400; round++) {
		uint32_t count = dice(&seed) % 700;
		uint32_t keys = 1 + dice(&seed) % 50;
		struct order *o = order_new(count);

		ck_assert_ptr_nonnull(o);
		for (i = 0; i < count; i++) {
			o[i].key = dice(&seed) % keys;
			key[i] = dice(&seed) % 5;
			expect[i] = o[i];
		}
		second = key;
		qsort(expect, count, sizeof *expect, for_qsort);
		order_sort(o, count, by_second_key, key);
		for (i = 0; i < count; i++)
			if (o[i].index != expect[i].index ||
			    o[i].key != expect[i].key)
				ck_abort_msg("seed 4711, round %u: element %u "
				    "is %u, not %u", round, i, o[i].index,
				    expect[i].index);
		free(o);
	}
	ck_assert_uint_eq(round, 400);
}
END_TEST

Suite *order_suite(void)
{
	Suite *s = suite_create("order");
	TCase *tc = unit_case(s, "sorting (P-49)");

	tcase_add_test(tc, a_new_array_counts_its_indexes);
	tcase_add_test(tc, nothing_and_one_are_in_order);
	tcase_add_test(tc, keys_are_compared_in_all_64_bits);
	tcase_add_test(tc, equal_elements_stay_in_their_order);
	tcase_add_test(tc, any_array_is_sorted_as_qsort_sorts_it);
	tc = unit_case(s, "memory (S-10)");
	tcase_add_test(tc, a_count_that_cannot_be_had_is_no_memory);
	return s;
}
