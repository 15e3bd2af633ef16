/*
 * fuzz.h - what the fuzzers share.
 *
 * A fuzzer is a function LLVMFuzzerTestOneInput() about one room.  It is
 * linked with libpop3d.a and fuzz.c, and with libFuzzer or with replay.c,
 * which only plays the files of its corpus.  It does not only wait for a crash:
 * what comes out is compared with what a few plain lines say of the same
 * octets, and must() ends the process where they do not agree.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* To be called first: counts cases and octets, which are told at exit. */
void fuzz_count(size_t len);

/* Says what is wrong and ends the process, unless ok. */
#define must(ok, what) fuzz_must((ok), what, __FILE__, __LINE__)
void fuzz_must(bool ok, const char *what, const char *file, int line);

/* A folder in memory where there is one, removed at exit; and we are in it. */
void fuzz_folder(void);

/* Makes a file of these octets, below the folder. */
void fuzz_write(const char *path, const void *octets, size_t len);

/* A file without a name that holds these octets, to be read from its start. */
int fuzz_file(const void *octets, size_t len);

/*
 * read(2) and write(2) of the program give short counts from here on, which
 * seed chooses; 0: they are left alone.  They are wrapped by the linker.
 */
void fuzz_short(unsigned seed);

/* The octets of a whole file by its descriptor; the caller frees them. */
char *fuzz_read(int fd, size_t *len);

/* At the end: no descriptor may be open that was not at fuzz_count(). */
void fuzz_descriptors(void);

#endif
