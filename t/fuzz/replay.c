/*
 * replay.c - plays the files of a corpus, in place of libFuzzer.
 *
 *	fuzz_NAME FILE...
 */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int *fds = calloc((size_t)argc, sizeof *fds), i;

	must(fds != NULL && argc > 1, "usage: fuzz_NAME FILE...");
	/* All are opened first: a fuzzer may go to another folder. */
	for (i = 1; i < argc; i++)
		must((fds[i] = open(argv[i], O_RDONLY)) != -1, argv[i]);
	for (i = 1; i < argc; i++) {
		size_t len;
		char *text = fuzz_read(fds[i], &len);

		/* Should this one end the process, it is the last named. */
		fprintf(stderr, "%s\n", argv[i]);
		LLVMFuzzerTestOneInput((const uint8_t *)text, len);
		free(text);
	}
	free(fds);
	return 0;
}
