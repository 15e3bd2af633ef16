/*
 * test_scheme.c - does this secret fit this stored password.
 *
 * The program's crypt_r(3) is this file's own, made of crypt(3), so that what
 * a check costs can be counted (S-5); test_auth_file.c reads the counts, too.
 */
#include "unit.h"

#include "base/log.h"
#include "login/scheme.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

unsigned crypt_calls;		/* of crypt_r(3) */
unsigned crypt_done;		/* that gave a hash */
char crypt_setting[256];	/* of the last one that did */

#ifdef HAVE_CRYPT
#include <crypt.h>

static struct crypt_data *scratch;
static bool crypt_is_broken;	/* NULL is what a test asks for */

char *crypt_r(const char *secret, const char *setting, struct crypt_data *d)
{
	char *hash = crypt_is_broken ? NULL : crypt(secret, setting);

	crypt_calls++;
	if (hash != NULL && hash[0] != '*') {
		crypt_done++;
		snprintf(crypt_setting, sizeof crypt_setting, "%s", setting);
	}
	scratch = d;
	memset(d, 0x5a, sizeof *d);
	return hash;
}
#endif

#define HORSE "Correct horse"
#define SHA5 "$5$rounds=1000$saltsalt$Ipxz6VOSKypstEwO7Mfoo7eETZtNjKDOcLCnQ1" \
	"zcdI6"
#define SHA6 "$6$rounds=1000$saltsalt$MaV8ENl0.bjcY8myk02Lq8tDpj8.KdZS1Hd4br" \
	"AbG9OhsOhXl1SS1SGsBeWVKjJznAvBk4/iyIOfwFjB/yAno."
#define BCRYPT "04$abcdefghijklmnopqrstuucrDIaZKIMQrr50nt5z7.TZ/E6zxMikm"
#define YESCRYPT "$y$j75$saltsalt$r0DHVbdtkgVoLNIb5sVaLBYS2PXtY7lJkVqMo7jv3UC"

/* What f logs, in one string. */
static const char *logged(const char *record)
{
	static char text[2048];
	int fd = memfd_create("log", MFD_CLOEXEC), saved = dup(2);

	dup2(fd, 2);
	log_open(LOG_TO_STDERR);
	ck_assert_int_eq(scheme_check(record, HORSE), SCHEME_UNUSABLE);
	log_open(LOG_TO_NONE);
	dup2(saved, 2);
	close(saved);
	lseek(fd, 0, SEEK_SET);
	text[drain(fd, text, sizeof text - 1)] = '\0';
	close(fd);
	return text;
}

/* --- crypt(3) ------------------------------------------------------------ */

static const struct {
	const char *record, *secret;
} hashes[] = {
	/* Ulrich Drepper, Unix crypt using SHA-256 and SHA-512 */
	{ "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
	    "Hello world!" },
	{ "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJu"
	    "esI68u4OTLiBFdcbYEdFCoEOfaS35inz1", "Hello world!" },
	/* Openwall, crypt_blowfish */
	{ "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
	    "U*U" },
	/* made by libxcrypt 4.4 */
	{ SHA5, HORSE }, { SHA6, HORSE }, { YESCRYPT, HORSE },
	{ "$2b$" BCRYPT, HORSE }, { "$2y$" BCRYPT, HORSE },
	{ "$2a$" BCRYPT, HORSE }, { "$2x$" BCRYPT, HORSE },
	{ "$gy$j75$saltsalt$5CgMuvGcFCDkqARcKtqhS3lbOhuVa4yOAcW4M76Mbn/",
	    HORSE },
	{ "$7$4/..../....saltsalt$xIbKF4sAeEz1aSs1H5NGcSXNGhhdeEzlPpymRv9G5o1",
	    HORSE },
	{ "$sha1$100$saltsalt$Yo9X30pB9oDm2KXb.hw3kkcuAWrB", HORSE },
	{ "$md5$saltsalt$$7VFkMYWblaHuH7MkO9ZlF0", HORSE },
	{ "$md5,rounds=10$saltsalt$$xtuaGV50jCEahsOeuwlnH.", HORSE },
	/* the names of the family are one and the same */
	{ "{CRYPT}" SHA6, HORSE }, { "{crypt}" YESCRYPT, HORSE },
	{ "{SHA512-CRYPT}" SHA6, HORSE }, { "{Sha256-Crypt}" SHA5, HORSE },
	{ "{BLF-CRYPT}$2y$" BCRYPT, HORSE }, { "{MD5-CRYPT}" SHA5, HORSE },
	{ "{CRYPT.B64}JDUkcm91bmRzPTEwMDAkc2FsdHNhbHQkSXB4ejZWT1NLeXBzdEV3TzdN"
	    "Zm9vN2VFVFp0TmpLRE9jTENuUTF6Y2RJNg==", HORSE },
};

#ifdef HAVE_CRYPT
START_TEST(a_hash_of_crypt_takes_its_own_secret)
{
	crypt_calls = 0;
	ck_assert(scheme_costs(hashes[_i].record));
	ck_assert_int_eq(crypt_calls, 0);
	ck_assert_int_eq(scheme_check(hashes[_i].record, hashes[_i].secret),
	    SCHEME_MATCH);
	ck_assert_int_eq(crypt_calls, 1);
}
END_TEST

START_TEST(a_hash_of_crypt_takes_no_other_secret)
{
	char other[64];

	crypt_calls = crypt_done = 0;
	snprintf(other, sizeof other, "%s ", hashes[_i].secret);
	ck_assert_int_eq(scheme_check(hashes[_i].record, other), SCHEME_NO);
	ck_assert_int_eq(scheme_check(hashes[_i].record, ""), SCHEME_NO);
	ck_assert_int_eq(crypt_done, 2);
	ck_assert_int_eq(crypt_calls, 2);
}
END_TEST

START_TEST(what_crypt_has_computed_is_wiped)
{
	const unsigned char *octets;
	size_t i;

	ck_assert_int_eq(scheme_check(SHA5, HORSE), SCHEME_MATCH);
	octets = (const unsigned char *)scratch;
	for (i = 0; i < sizeof *scratch; i++)
		ck_assert_int_eq(octets[i], 0);
	ck_assert(scheme_work(SHA5, HORSE));
	for (i = 0; i < sizeof *scratch; i++)
		ck_assert_int_eq(octets[i], 0);
}
END_TEST

START_TEST(work_costs_what_a_check_costs)
{
	crypt_calls = crypt_done = 0;
	ck_assert(scheme_work("{CRYPT}" SHA5, "any"));
	ck_assert_int_eq(crypt_done, 1);
	ck_assert_str_eq(crypt_setting, SHA5);
	ck_assert(!scheme_work("{PLAIN}x", "any"));
	ck_assert(!scheme_work("", "any"));
	ck_assert_int_eq(crypt_calls, 1);
	ck_assert(!scheme_work("$2b$99$abcdefghijklmnopqrstuucrDIaZKIMQrr50nt5"
	    "z7.TZ/E6zxMikm", "any"));
	ck_assert_int_eq(crypt_done, 1);
}
END_TEST

START_TEST(a_crypt_that_fails_is_a_refusal)
{
	crypt_is_broken = true;
	ck_assert_int_eq(scheme_check(SHA5, HORSE), SCHEME_UNUSABLE);
	ck_assert(!scheme_work(SHA5, HORSE));
	crypt_is_broken = false;
}
END_TEST

/* crypt(3) answers "*0", or "*1" where the setting is "*0": P-150. */
START_TEST(a_cost_that_crypt_does_not_know_is_a_refusal)
{
	crypt_calls = crypt_done = 0;
	ck_assert_int_eq(scheme_check("$2b$99$abcdefghijklmnopqrstuucrDIaZKIMQ"
	    "rr50nt5z7.TZ/E6zxMikm", HORSE), SCHEME_UNUSABLE);
	ck_assert_int_eq(crypt_calls, 1);
	ck_assert_int_eq(crypt_done, 0);
}
END_TEST
#else
START_TEST(a_build_without_crypt_says_so)
{
	ck_assert_ptr_nonnull(scheme_missing());
	ck_assert_ptr_nonnull(strstr(logged(hashes[_i].record),
	    "this build has no crypt(3)"));
	ck_assert(!scheme_costs(hashes[_i].record));
	ck_assert(!scheme_work(hashes[_i].record, HORSE));
}
END_TEST
#endif

/* --- refused methods ----------------------------------------------------- */

static const char *const refused[] = {
	"samsq3XiOqyIM", "{CRYPT}samsq3XiOqyIM",	/* DES */
	"_J9..salt0XVTiB59TMA",				/* BSDi */
	"$1$saltsalt$Za1QBI8iEuuEbnKvXV4R/0",		/* MD5 */
	"{MD5-CRYPT}$1$saltsalt$Za1QBI8iEuuEbnKvXV4R/0",
	"$3$$1115f3ae3d10b5696f4e1492442f0e78",		/* NT */
	"$9$saltsalt$Za1QBI8iEuuEbnKvXV4R/0", "$", "$$", "$6", "$6$",
	"$6$saltsalt", "$6$saltsalt$", "$6$saltsalt$short", "$y$", "$2b$",
	"$2b$04$short", "$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA",
	"Correct horse", HORSE "$",
	SHA5 "x", SHA5 "!", SHA5 " ", "$6$saltsalt$Correct horse",
	"$2b$04$abcdefghijklmnopqrstuucrDIaZKIMQrr50nt5z7.TZ/E6zxMik ",
};

START_TEST(other_hashes_are_refused_without_work)
{
	crypt_calls = 0;
	ck_assert_int_eq(scheme_check(refused[_i], HORSE), SCHEME_UNUSABLE);
	ck_assert(!scheme_costs(refused[_i]));
	ck_assert(!scheme_work(refused[_i], HORSE));
	ck_assert(!scheme_locked(refused[_i]));
	ck_assert_int_eq(crypt_calls, 0);
}
END_TEST

static const char *const locks[] = { "", "!", "!!", "*", "*0", "*1", "*LK*",
	"x", "!" SHA5, "*" SHA5, "{CRYPT}", "{CRYPT}!", "{CRYPT}*0",
	"{CRYPT}x", "{CRYPT}!" SHA5, "{PLAIN}", "{PLAIN.HEX}", "{SHA256}",
	"{SSHA256.B64}" };

START_TEST(a_lock_is_a_lock)
{
	ck_assert(scheme_locked(locks[_i]));
	crypt_calls = 0;
	ck_assert_int_eq(scheme_check(locks[_i], HORSE), SCHEME_NO);
	ck_assert_int_eq(scheme_check(locks[_i], ""), SCHEME_NO);
	ck_assert_int_eq(scheme_check(locks[_i], locks[_i]), SCHEME_NO);
	ck_assert(!scheme_costs(locks[_i]));
	ck_assert_int_eq(crypt_calls, 0);
}
END_TEST

/* --- the schemes without crypt(3) ---------------------------------------- */

static const char *const fits[] = {
	"{PLAIN}" HORSE, "{plain}" HORSE, "{CLEAR}" HORSE, "{Cleartext}" HORSE,
	"{PLAIN.HEX}436f727265637420686f727365",
	"{PLAIN.hex}436F727265637420686F727365",
	"{PLAIN.B64}Q29ycmVjdCBob3JzZQ==", "{clear.base64}Q29ycmVjdCBob3JzZQ==",
	"{SHA256}HfkSoOgEJQsUELJuhn4w+hMU6LVg9M0yJkpfiEyDW5A=",
	"{sha256.b64}HfkSoOgEJQsUELJuhn4w+hMU6LVg9M0yJkpfiEyDW5A=",
	"{SHA256.BASE64}HfkSoOgEJQsUELJuhn4w+hMU6LVg9M0yJkpfiEyDW5A=",
	"{SHA256.HEX}1df912a0e804250b1410b26e867e30fa1314e8b560f4cd32264a5f884c"
	    "835b90",
	"{SHA256}1DF912A0E804250B1410B26E867E30FA1314E8B560F4CD32264A5F884C835"
	    "B90",
	"{SSHA256}zqAfQrzpKhly8wsNFOWCUmEPGQKB6uMbGrDA10860bVOYUNsAP8=",
	"{SSHA256.HEX}cea01f42bce92a1972f30b0d14e58252610f190281eae31b1ab0c0d7"
	    "4f3ad1b54e61436c00ff",
};

START_TEST(a_scheme_takes_its_own_secret_and_no_other)
{
	static const char *const other[] = { "", "Correct", "Correct horse ",
		"correct horse", "Correct horsf", "Dorrect horse",
		"Correct horse battery staple" };
	size_t i;

	crypt_calls = 0;
	ck_assert_int_eq(scheme_check(fits[_i], HORSE), SCHEME_MATCH);
	for (i = 0; i < COUNT(other); i++)
		ck_assert_int_eq(scheme_check(fits[_i], other[i]), SCHEME_NO);
	ck_assert(!scheme_costs(fits[_i]));
	ck_assert(!scheme_locked(fits[_i]));
	ck_assert_int_eq(crypt_calls, 0);
}
END_TEST

static const char *const damaged[] = {
	"{SHA256}HfkSoOgEJQsUELJuhn4w+hMU6LVg9M0yJkpfiEyDW5A",
	"{SHA256}HfkSoOgEJQsUELJuhn4w+hMU6LVg9M0yJkpfiEyDW5==",
	"{SHA256}HfkSoOgEJQsUELJuhn4w+hMU6LVg9M0yJkpfiEyD",
	"{SHA256.HEX}1df912a0e804250b1410b26e867e30fa1314e8b560f4cd32264a5f884c"
	    "835b9",
	"{SHA256.HEX}1df912a0e804250b1410b26e867e30fa1314e8b560f4cd32264a5f884c"
	    "835b9g",
	"{SHA256.HEX}00",
	"{SSHA256}HfkSoOgEJQsUELJuhn4w+hMU6LVg9M0yJkpfiEyDW5A=",
	"{SSHA256}!", "{PLAIN.HEX}4", "{PLAIN.HEX}zz", "{PLAIN.B64}Q",
	"{PLAIN.HEX}4100", "{CRYPT.HEX}2400",
};

START_TEST(damaged_data_fits_nothing)
{
	ck_assert_int_eq(scheme_check(damaged[_i], HORSE), SCHEME_UNUSABLE);
	ck_assert_int_eq(scheme_check(damaged[_i], "A"), SCHEME_UNUSABLE);
	ck_assert(!scheme_locked(damaged[_i]));
}
END_TEST

START_TEST(what_looks_like_a_lock_can_be_a_password_in_the_clear)
{
	ck_assert_int_eq(scheme_check("{PLAIN}!", "!"), SCHEME_MATCH);
	ck_assert_int_eq(scheme_check("{PLAIN}*0", "*0"), SCHEME_MATCH);
	ck_assert_int_eq(scheme_check("{PLAIN}x", "x"), SCHEME_MATCH);
	ck_assert_int_eq(scheme_check("{PLAIN}{PLAIN}", "{PLAIN}"),
	    SCHEME_MATCH);
	ck_assert_int_eq(scheme_check("{PLAIN} ", " "), SCHEME_MATCH);
}
END_TEST

START_TEST(a_password_of_255_octets_of_any_kind_works)
{
	char record[7 + 255 + 1] = "{PLAIN}";
	int i;

	for (i = 0; i < 255; i++)
		record[7 + i] = (char)(i + 1);
	record[7 + 255] = '\0';
	ck_assert_int_eq(scheme_check(record, record + 7), SCHEME_MATCH);
	record[7 + 254] ^= 1;
	ck_assert_int_eq(scheme_check("{PLAIN}x", record + 7), SCHEME_NO);
}
END_TEST

START_TEST(a_record_that_is_too_long_fits_nothing)
{
	char record[2 * SCHEME_RECORD_MAX];

	memset(record, 'a', sizeof record);
	memcpy(record, "{PLAIN}", 7);
	record[7 + SCHEME_RECORD_MAX + 1] = '\0';
	ck_assert_int_eq(scheme_check(record, record + 7), SCHEME_UNUSABLE);
	record[7 + SCHEME_RECORD_MAX] = '\0';
	ck_assert_int_eq(scheme_check(record, record + 7), SCHEME_MATCH);
	ck_assert_int_eq(scheme_check(record + 7, "a"), SCHEME_UNUSABLE);
}
END_TEST

/* --- what is said about it ----------------------------------------------- */

static const struct {
	const char *record, *says;
} others[] = {
	{ "{ARGON2ID}$argon2id$v=19$secret", "{CRYPT} would do, but not scheme "
	    "{ARGON2ID}\n" },
	{ "{SSHA512}c2VjcmV0", "{SSHA512}\n" },
	{ "{SHA1}c2VjcmV0", "{SHA1}\n" }, { "{MD5}secret", "{MD5}\n" },
	{ "{PBKDF2}$1$secret$1$00", "{PBKDF2}\n" },
	{ "{SCRAM-SHA-256}4096,secret", "{SCRAM-SHA-256}\n" },
	{ "{LDAP-MD5.B64}secret", "{LDAP-MD5.B64}\n" },
	{ "{PLAIN.ROT13}secret", "{PLAIN.ROT13}\n" },
	{ "{PLAIN.}secret", "{PLAIN.}\n" }, { "{}secret", "{}\n" },
	{ "{PLAINsecret", "not scheme\n" },
	{ "{my secret is this}", "not scheme\n" },
	{ "{mysecretisthisandlongerthanaschemeis}", "not scheme\n" },
	{ "{SHA256}secret", "damaged or too long for scheme {SHA256}\n" },
	{ "secret", "write {PLAIN} before" },
#ifdef HAVE_CRYPT
	{ "$1$secret$Za1QBI8iEuuEbnKvXV4R/0", "but not one of method $1$\n" },
	{ "$argon2id$v=19$secret", "but not one of method\n" },
	{ "$6$secret", "or there is no memory for it; method $6$\n" },
#endif
};

START_TEST(the_log_has_the_scheme_and_nothing_of_the_secret)
{
	const char *log = logged(others[_i].record);

	ck_assert_msg(strstr(log, others[_i].says) != NULL ||
	    (scheme_missing() != NULL && strstr(log, scheme_missing())),
	    "%s: %s", others[_i].record, log);
	ck_assert_ptr_null(strstr(log, "secret"));
}
END_TEST

START_TEST(a_wrong_secret_and_a_lock_are_not_logged)
{
	int fd = memfd_create("log", MFD_CLOEXEC), saved = dup(2);

	dup2(fd, 2);
	log_open(LOG_TO_STDERR);
	scheme_check(locks[_i], HORSE);
	scheme_check("{PLAIN}other", HORSE);
	scheme_work("$2b$99$abcdefghijklmnopqrstuucrDIaZKIMQrr50nt5z7.TZ/E6zx"
	    "Mikm", HORSE);
	log_open(LOG_TO_NONE);
	dup2(saved, 2);
	close(saved);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 0);
	close(fd);
}
END_TEST

Suite *scheme_suite(void)
{
	Suite *s = suite_create("scheme");
	TCase *tc = unit_case(s, "hashes of crypt(3) (P-150, S-5, S-6)");

#ifdef HAVE_CRYPT
	tcase_add_loop_test(tc, a_hash_of_crypt_takes_its_own_secret, 0,
	    COUNT(hashes));
	tcase_add_loop_test(tc, a_hash_of_crypt_takes_no_other_secret, 0,
	    COUNT(hashes));
	tcase_add_test(tc, what_crypt_has_computed_is_wiped);
	tcase_add_test(tc, work_costs_what_a_check_costs);
	tcase_add_test(tc, a_crypt_that_fails_is_a_refusal);
	tcase_add_test(tc, a_cost_that_crypt_does_not_know_is_a_refusal);
#else
	tcase_add_loop_test(tc, a_build_without_crypt_says_so, 0,
	    COUNT(hashes));
#endif

	tc = unit_case(s, "fields that are refused (P-151)");
	tcase_add_loop_test(tc, other_hashes_are_refused_without_work, 0,
	    COUNT(refused));
	tcase_add_loop_test(tc, a_lock_is_a_lock, 0, COUNT(locks));

	tc = unit_case(s, "schemes and encodings (P-153)");
	tcase_add_loop_test(tc, a_scheme_takes_its_own_secret_and_no_other, 0,
	    COUNT(fits));
	tcase_add_loop_test(tc, damaged_data_fits_nothing, 0, COUNT(damaged));
	tcase_add_test(tc,
	    what_looks_like_a_lock_can_be_a_password_in_the_clear);
	tcase_add_test(tc, a_password_of_255_octets_of_any_kind_works);
	tcase_add_test(tc, a_record_that_is_too_long_fits_nothing);

	tc = unit_case(s, "what is logged (P-153, S-6)");
	tcase_add_loop_test(tc,
	    the_log_has_the_scheme_and_nothing_of_the_secret, 0,
	    COUNT(others));
	tcase_add_loop_test(tc, a_wrong_secret_and_a_lock_are_not_logged, 0,
	    COUNT(locks));
	return s;
}
