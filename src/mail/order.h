/*
 * order.h - sorts indexes by a number and, where it is equal, by a function.
 *
 * A stable merge sort: qsort() differs between C libraries, in speed and in
 * what it does with equals.
 */
#ifndef MAIL_ORDER_H
#define MAIL_ORDER_H

#include <stddef.h>
#include <stdint.h>

struct order {
	uint64_t key;
	uint32_t index;
};

/*
 * An array for count elements, with index 0..count-1 set and no key, to be
 * freed by the caller with free(); NULL: no memory.
 */
struct order *order_new(size_t count);

/* Compares two indexes whose keys are equal: below, equal or above 0. */
typedef int order_compare(const void *arg, uint32_t a, uint32_t b);

/*
 * Sorts an array that order_new() made; with compare NULL, elements of equal
 * keys stay as they stood.
 */
void order_sort(struct order *o, size_t count, order_compare *compare,
    const void *arg);

/* Where in a sorted array the first key of that size or larger is. */
size_t order_find(const struct order *o, size_t count, uint64_t key);

#endif
