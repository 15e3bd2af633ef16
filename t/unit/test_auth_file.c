/* test_auth_file.c - users of a passwd-file. */
#include "unit.h"

#include "base/log.h"
#include "login/auth.h"
#include "login/scheme.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Counted by test_scheme.c. */
extern unsigned crypt_calls, crypt_done;
extern char crypt_setting[256];

#define SHA5 "$5$rounds=1000$saltsalt$Ipxz6VOSKypstEwO7Mfoo7eETZtNjKDOcLCnQ1" \
	"zcdI6"		/* Correct horse */
#define OTHER5 "$5$rounds=1000$other$QKweV491dfO4dhKNGxm.LlexE5p/jvAnW0Zof2Qy" \
	"Bj2"		/* the same */

static struct auth_identity who;
static const char *reason;
static const char *client = "192.0.2.7";
static bool as_root;
static char logged[4096];	/* what the last check has logged */

static enum auth_verdict check(const char *path, const char *name,
    const char *secret)
{
	struct auth_request r = { .kind = AUTH_PASS, .name = name,
		.name_len = strlen(name), .secret = secret,
		.secret_len = strlen(secret), .stamp = "", .ip = client };
	int fd = memfd_create("log", MFD_CLOEXEC), saved = dup(2);
	enum auth_verdict verdict;

	memset(&who, 0x5a, sizeof who);
	dup2(fd, 2);
	log_open(LOG_TO_STDERR);
	verdict = auth_file_check(path, as_root, &r, &who, &reason);
	log_open(LOG_TO_NONE);
	dup2(saved, 2);
	close(saved);
	lseek(fd, 0, SEEK_SET);
	logged[drain(fd, logged, sizeof logged - 1)] = '\0';
	close(fd);
	return verdict;
}

static const char *file_of(const void *octets, size_t len)
{
	const char *box = new_maildir();

	put_octets(box, "passwd", octets, len);
	return path_in(box, "passwd");
}

static const char *file(const char *text)
{
	return file_of(text, strlen(text));
}

static bool nobody(void)
{
	static const struct auth_identity zero;

	return memcmp(&who, &zero, sizeof who) == 0;
}

#define LOGS(text) ck_assert_msg(strstr(logged, text) != NULL, "%s", logged)
#define SILENT() ck_assert_str_eq(logged, "")

/* --- lines --------------------------------------------------------------- */

static const char *const in[] = {
	"al:{PLAIN}pw\n", "al:{PLAIN}pw", "al:{PLAIN}pw\r\n", "al:{PLAIN}pw\r",
	"al:{PLAIN}pw::::::\n", "al:{PLAIN}pw:::gecos:/home/al:/bin/sh\n",
	"al:{PLAIN}pw::::::a=b:c:d ::: x\n", "Al:{PLAIN}pw\n",
	"\n\n# al:{PLAIN}no\n#\nal:{PLAIN}pw\n", "\r\n\r\nal:{PLAIN}pw\r\n",
	"bob:{PLAIN}no\nal:{PLAIN}pw\nbob:{PLAIN}no\n",
	"a:{PLAIN}no\nala:{PLAIN}no\nal:{PLAIN}pw\nal:{PLAIN}no\n",
	":{PLAIN}no\nal:{PLAIN}pw\n", "al x:{PLAIN}no\nal:{PLAIN}pw\n",
	" al:{PLAIN}no\nal:{PLAIN}pw\n", "al@b:{PLAIN}no\nal:{PLAIN}pw",
};

START_TEST(the_record_of_a_name_is_found)
{
	ck_assert_int_eq(check(file(in[_i]), "al", "pw"), AUTH_OK);
	ck_assert_str_eq(who.user, "al");
	ck_assert_int_eq(who.uid, geteuid());
	ck_assert_int_eq(who.gid, getegid());
	ck_assert(!who.switch_user && !who.groups);
	ck_assert_str_eq(who.mail, "");
	SILENT();
	ck_assert_int_eq(check(file(in[_i]), "AL", "pw"), AUTH_OK);
	ck_assert_str_eq(who.user, "al");
}
END_TEST

static const struct {
	const char *text, *reason;
} out[] = {
	{ "", "unknown" }, { "\n", "unknown" }, { "# al:{PLAIN}pw\n",
	    "unknown" }, { "bob:{PLAIN}pw\n", "unknown" },
	{ "#al:{PLAIN}pw\n", "unknown" }, { "al2:{PLAIN}pw\n", "unknown" },
	{ "a:{PLAIN}pw\n", "unknown" }, { "x:al:{PLAIN}pw\n", "unknown" },
	{ "al", "disabled" }, { "al\n", "disabled" }, { "al:\n", "disabled" },
	{ "al::::::\n", "disabled" }, { "al:!\n", "disabled" },
	{ "al:x:1000:1000\n", "disabled" }, { "al:*0\n", "disabled" },
	{ "al:{PLAIN}pw2\n", "credentials" }, { "al:{PLAIN}p\n",
	    "credentials" }, { "al:{PLAIN}no\nal:{PLAIN}pw\n", "credentials" },
	{ "AL:{PLAIN}no\nal:{PLAIN}pw\n", "credentials" },
	{ "al:!\nal:{PLAIN}pw\n", "disabled" },
	{ "al\nal:{PLAIN}pw\n", "disabled" },
	{ "al:{PLAIN}pw \n", "credentials" },
	{ "al:{PLAIN}pw::::::nologin\n", "disabled" },
	{ "al:{PLAIN}pw::::::a=b nologin=y\n", "disabled" },
	{ "al:{PLAIN}pw::::::nopassword\n", "disabled" },
	{ "al:{PLAIN}pw::::::nopassword=y x\n", "disabled" },
	{ "al:{PLAIN}no::::::nopassword\n", "credentials" },
	{ "al:::::::nopassword\n", "disabled" },
	{ "al:{PLAIN}pw:0:::::nologin\n", "disabled" },
	{ "al:{PLAIN}no:0:0\n", "credentials" },
};

START_TEST(everything_else_is_refused_in_silence)
{
	ck_assert_int_eq(check(file(out[_i].text), "al", "pw"), AUTH_REFUSED);
	ck_assert_str_eq(reason, out[_i].reason);
	ck_assert(nobody());
	SILENT();
}
END_TEST

START_TEST(a_hash_that_cannot_be_used_is_told_the_administrator_alone)
{
	const char *path = file("\nal:{ARGON2ID}$argon2id$secret\n");

	ck_assert_int_eq(check(path, "al", "pw"), AUTH_REFUSED);
	ck_assert_str_eq(reason, "hash");
	LOGS("{ARGON2ID}");
	LOGS("line 2: [SYS/PERM]");
	LOGS(path);
	ck_assert_ptr_null(strstr(logged, "secret"));
	ck_assert_int_eq(check(path, "bob", "pw"), AUTH_REFUSED);
	SILENT();
}
END_TEST

static const char *const hostile[] = { "", ".", "..", "../al", ".al", "a/b",
	"al\n", "al:", "al:{PLAIN}pw", "al ", " al", "a..l", "\xc3\xa4", "#al",
	"al\x7f", "%u", "al%s%n", "@", "al\\", "al\r" };

START_TEST(a_hostile_name_is_nobody)
{
	char text[256];

	snprintf(text, sizeof text, "%s:{PLAIN}pw\nal:{PLAIN}pw\n:{PLAIN}pw\n"
	    "\n{PLAIN}pw\n", hostile[_i]);
	ck_assert_int_eq(check(file(text), hostile[_i], "pw"), AUTH_REFUSED);
	ck_assert_str_eq(reason, "unknown");
	ck_assert(nobody());
	SILENT();
}
END_TEST

START_TEST(the_longest_name_works_and_one_more_octet_does_not)
{
	char name[AUTH_NAME_MAX + 2], text[2 * AUTH_NAME_MAX];

	memset(name, 'a', sizeof name);
	name[AUTH_NAME_MAX] = '\0';
	snprintf(text, sizeof text, "%s:{PLAIN}pw\n", name);
	ck_assert_int_eq(check(file(text), name, "pw"), AUTH_OK);
	ck_assert_str_eq(who.user, name);
	name[AUTH_NAME_MAX] = 'a';
	name[AUTH_NAME_MAX + 1] = '\0';
	snprintf(text, sizeof text, "%s:{PLAIN}pw\n", name);
	ck_assert_int_eq(check(file(text), name, "pw"), AUTH_REFUSED);
}
END_TEST

START_TEST(a_request_whose_lengths_lie_is_refused)
{
	struct auth_request r = { .kind = AUTH_PLAIN, .name = "al",
		.name_len = 2, .secret = "pw", .secret_len = 2, .stamp = "",
		.ip = "" };
	const char *path = file("al:{PLAIN}pw\n");

	ck_assert_int_eq(auth_file_check(path, false, &r, &who, &reason),
	    AUTH_OK);
	r.secret = "pw\0x";
	r.secret_len = 4;
	ck_assert_int_eq(auth_file_check(path, false, &r, &who, &reason),
	    AUTH_REFUSED);
	r.secret_len = 2;
	r.name = "al\0x";
	r.name_len = 4;
	ck_assert_int_eq(auth_file_check(path, false, &r, &who, &reason),
	    AUTH_REFUSED);
	r.name = "alx";
	r.name_len = 2;
	ck_assert_int_eq(auth_file_check(path, false, &r, &who, &reason),
	    AUTH_REFUSED);
}
END_TEST

START_TEST(an_empty_secret_never_fits)
{
	ck_assert_int_eq(check(file("al:{PLAIN}\n"), "al", ""), AUTH_REFUSED);
#ifdef HAVE_CRYPT
	ck_assert_int_eq(check(file("al:$5$rounds=1000$salt$oacEarljCLl1hnwSHa"
	    "KByNaFLSC8faCZtGSPISXgwZ.\n"), "al", ""), AUTH_REFUSED);
	ck_assert_str_eq(reason, "credentials");
#endif
}
END_TEST

START_TEST(apop_needs_a_secret_in_the_clear_that_is_not_kept_here)
{
	struct auth_request r = { .kind = AUTH_APOP, .name = "al",
		.name_len = 2, .secret = "pw", .secret_len = 2,
		.stamp = "<1@b>", .ip = "" };

	ck_assert_int_eq(auth_file_check(file("al:{PLAIN}pw\n"), false, &r,
	    &who, &reason), AUTH_REFUSED);
	ck_assert_str_eq(reason, "unsupported");
	ck_assert(nobody());
}
END_TEST

/* --- lengths ------------------------------------------------------------- */

/* "x" repeated, then record; the line of x has len octets. */
static const char *behind(size_t len, const char *record)
{
	size_t record_len = strlen(record);
	char *text = malloc(len + 1 + record_len);
	const char *path;

	memset(text, 'x', len);
	text[len] = '\n';
	memcpy(text + len + 1, record, record_len);
	path = file_of(text, len + 1 + record_len);
	free(text);
	return path;
}

static const size_t lengths[] = { 4096, 4097, 4098, 4099, 8192, 32766, 32767,
	32768, 32769, 65535, 65536, 65537, 1 << 20 };

START_TEST(a_long_line_is_skipped_and_the_next_one_counts)
{
	const char *path = behind(lengths[_i], "al:{PLAIN}pw\n");

	ck_assert_int_eq(check(path, "al", "pw"), AUTH_OK);
	if (lengths[_i] > 4096) {
		LOGS("line 1: skipped, it has more than 4096 octets");
		ck_assert_ptr_eq(strchr(logged, '\n'), strrchr(logged, '\n'));
	} else {
		SILENT();
	}
}
END_TEST

START_TEST(a_long_line_without_end_is_skipped_too)
{
	const char *path = file_of("", 0);
	int fd = open(path, O_WRONLY | O_TRUNC);
	char octets[5000];

	memset(octets, 'x', sizeof octets);
	memcpy(octets, "al:{PLAIN}pw:", 13);
	ck_assert_int_eq(write(fd, "# \n", 3), 3);
	ck_assert_int_eq(write(fd, octets, sizeof octets), sizeof octets);
	close(fd);
	ck_assert_int_eq(check(path, "al", "pw"), AUTH_REFUSED);
	ck_assert_str_eq(reason, "unknown");
	LOGS("line 2: skipped");
}
END_TEST

START_TEST(a_record_of_4096_octets_is_used_whole)
{
	char text[4096 + 3];
	int cr;

	for (cr = 0; cr < 2; cr++) {
		memset(text, 'x', sizeof text);
		memcpy(text, "al:{PLAIN}pw::::::a=", 20);
		memcpy(text + 4096 - 28, " userdb_mail=maildir:/m/end1", 28);
		memcpy(text + 4096, cr ? "\r\n" : "\n", 2);
		ck_assert_int_eq(check(file_of(text, 4096 + 1 + (size_t)cr),
		    "al", "pw"), AUTH_OK);
		ck_assert_str_eq(who.mail, "/m/end1");
		SILENT();
	}
	memcpy(text + 4096, "2\n", 2);
	ck_assert_int_eq(check(file_of(text, 4098), "al", "pw"),
	    AUTH_REFUSED);
	LOGS("line 1: skipped");
}
END_TEST

START_TEST(a_line_with_a_nul_is_skipped)
{
	static const char text[] = "\nal:{PLAIN}pw\0x\nbo:{PLAIN}pw\n";
	const char *path = file_of(text, sizeof text - 1);

	ck_assert_int_eq(check(path, "al", "pw"), AUTH_REFUSED);
	LOGS("line 2: skipped, it has a NUL");
	ck_assert_int_eq(check(path, "bo", "pw"), AUTH_OK);
}
END_TEST

START_TEST(a_longest_record_may_be_read_up_to_its_cr)
{
	char text[32768 + 1];
	size_t at = 32768 - 4097;

	memset(text, '\n', sizeof text);
	memset(text + at, 'x', 4096);
	memcpy(text + at, "al:{PLAIN}pw::::::a=", 20);
	memcpy(text + 32767, "\r\n", 2);
	ck_assert_int_eq(check(file_of(text, sizeof text), "al", "pw"),
	    AUTH_OK);
	SILENT();
}
END_TEST

/* Wherever a read(2) happens to end. */
START_TEST(a_record_is_found_at_each_place_of_a_large_file)
{
	char text[40000 + 64], record[] = "al:{PLAIN}pw\n";
	size_t at, i;

	for (at = 32768 - 20; at < 32768 + 4; at++) {
		memset(text, 'x', sizeof text);
		for (i = 99; i < at; i += 100)
			text[i] = '\n';
		text[at - 1] = '\n';
		memcpy(text + at, record, sizeof record - 1);
		ck_assert_int_eq(check(file_of(text, at + 1000), "al", "pw"),
		    AUTH_OK);
	}
}
END_TEST

/* --- uid and gid --------------------------------------------------------- */

static const struct {
	bool as_root;
	const char *uid, *gid, *says;	/* NULL: it is right */
} ids[] = {
	{ true, "1000", "100", NULL },
	{ true, "4294967294", "4294967294", NULL },
	{ true, "0001000", "100", NULL },
	{ true, "", "", "missing" }, { true, "1000", "", "missing" },
	{ true, "", "100", "missing" }, { true, "0", "100", "is 0" },
	{ true, "1000", "0", "is 0" }, { true, "00", "100", "is 0" },
	{ true, "vmail", "100", "numbers" }, { true, "1000", "vmail",
	    "numbers" }, { true, "-1", "100", "numbers" },
	{ true, "+5", "100", "numbers" }, { true, " 5", "100", "numbers" },
	{ true, "4294967295", "100", "numbers" },
	{ true, "4294967296", "100", "numbers" },
	{ true, "99999999999999999999", "100", "numbers" },
	{ true, "0x10", "100", "numbers" },
	{ false, "", "", NULL }, { false, "", "100", NULL },
	{ false, "54321", "100", "not the one" }, { false, "0", "", "is 0" },
	{ false, "", "0", "is 0" }, { false, "x", "", "numbers" },
	{ false, "", "x", "numbers" },
};

START_TEST(uid_and_gid_are_as_the_way_it_was_started_wants)
{
	const char *uid = ids[_i].uid;
	char text[128];

	as_root = ids[_i].as_root;
	snprintf(text, sizeof text, "#\nal:{PLAIN}pw:%s:%s:g:/h/al:/sh:x=y\n",
	    uid, ids[_i].gid);
	if (ids[_i].says == NULL) {
		ck_assert_int_eq(check(file(text), "al", "pw"), AUTH_OK);
		ck_assert_int_eq(who.switch_user, as_root);
		ck_assert_uint_eq(who.uid, as_root ? (uid_t)strtoul(uid, NULL,
		    10) : geteuid());
		ck_assert_uint_eq(who.gid, as_root ? (gid_t)strtoul(
		    ids[_i].gid, NULL, 10) : getegid());
		ck_assert(!who.groups);
		ck_assert_str_eq(who.home, "/h/al");
		SILENT();
	} else {
		ck_assert_int_eq(check(file(text), "al", "pw"), AUTH_PERM);
		ck_assert_str_eq(reason, "record");
		ck_assert(nobody());
		LOGS("line 2: ");
		LOGS(ids[_i].says);
		/* Who does not know the password learns nothing: S-5. */
		ck_assert_int_eq(check(file(text), "al", "no"), AUTH_REFUSED);
		SILENT();
	}
	as_root = false;
}
END_TEST

static const char *our_own_uid(void)
{
	struct auth_request r = { .kind = AUTH_PASS, .name = "al",
		.name_len = 2, .secret = "pw", .secret_len = 2, .stamp = "",
		.ip = "" };
	char path[64];
	int fd;

	if (geteuid() == 0 && (setresgid(6543, 6543, 6543) == -1 ||
	    setresuid(5432, 5432, 5432) == -1))
		return "setresuid";
	snprintf(path, sizeof path, "/tmp/passwd-%d", (int)getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	dprintf(fd, "al:{PLAIN}pw:%u:1\nbo:{PLAIN}pw:%u:1\n", geteuid(),
	    geteuid() + 1);
	close(fd);
	NEED(auth_file_check(path, false, &r, &who, &reason) == AUTH_OK);
	NEED(who.uid == geteuid() && who.gid == getegid());
	NEED(!who.switch_user);
	r.name = "bo";
	NEED(auth_file_check(path, false, &r, &who, &reason) == AUTH_PERM);
	NEED(chmod(path, 0) == 0);
	NEED(auth_file_check(path, false, &r, &who, &reason) == AUTH_TEMP);
	NEED(strcmp(reason, "file") == 0);
	unlink(path);
	return NULL;
}

START_TEST(our_own_uid_may_stand_in_the_record)
{
	assert_in_child(our_own_uid);
}
END_TEST

/* --- home and Maildir ---------------------------------------------------- */

static const struct {
	const char *home, *extra, *mail;
} mails[] = {
	{ "/h/al", "", "" }, { "", "", "" },
	{ "/h/al", "userdb_mail=maildir:/m/al", "/m/al" },
	{ "", "userdb_mail=maildir:/m/%n", "/m/al" },
	{ "", "userdb_mail=maildir:/m/%d/%n/M", "/m/b.example/al/M" },
	{ "", "userdb_mail=maildir:/m/%u", "/m/al@b.example" },
	{ "/h/%u", "userdb_mail=maildir:%h/M", "/h/%u/M" },
	{ "/h/al", "userdb_mail=maildir:~/M", "/h/al/M" },
	{ "/h/al", "userdb_mail=maildir:~", "/h/al" },
	{ "/h/al", "userdb_mail=maildir:~/", "/h/al" },
	{ "/h/al", "userdb_mail=maildir:M", "/h/al/M" },
	{ "/h/al", "userdb_mail=maildir:%d/%n", "/h/al/b.example/al" },
	{ "/h/al", "userdb_mail=maildir:~/M:LAYOUT=fs:INDEX=/i/%u", "/h/al/M" },
	{ "/h/al", "userdb_mail=maildir:~/M:INBOX=~/in:LAYOUT=fs",
	    "/h/al/in" },
	{ "", "userdb_mail=maildir:/m/100%%", "/m/100%" },
	{ "/h/al", "x=y  userdb_mail=maildir:/m/1 z", "/m/1" },
	{ "/h/al", "xuserdb_mail=maildir:/m/1", "" },
	{ "/h/al", "mail=maildir:/m/1 userdb_mai=maildir:/x", "" },
	{ "/h/al", "userdb_mail", "" },
	{ "/h/al", "USERDB_MAIL=maildir:/x", "" },
};

START_TEST(the_record_names_home_and_maildir)
{
	char text[512];

	snprintf(text, sizeof text, "al@b.example:{PLAIN}pw::::%s::%s\n",
	    mails[_i].home, mails[_i].extra);
	ck_assert_int_eq(check(file(text), "AL@B.example", "pw"), AUTH_OK);
	ck_assert_str_eq(who.home, mails[_i].home);
	ck_assert_str_eq(who.mail, mails[_i].mail);
	ck_assert_str_eq(who.user, "al@b.example");
	SILENT();
}
END_TEST

static const struct {
	const char *home, *extra, *says;
} no_mails[] = {
	{ "home/al", "", "home is not absolute" },
	{ "~al", "", "home is not absolute" },
	{ "", "userdb_mail=mbox:~/mail", "maildir:PATH" },
	{ "", "userdb_mail=/m/al", "maildir:PATH" },
	{ "", "userdb_mail=", "maildir:PATH" },
	{ "", "userdb_mail=maildi", "maildir:PATH" },
	{ "", "userdb_mail=maildir:", "no path" },
	{ "", "userdb_mail=maildir::INDEX=x", "no path" },
	{ "/h/al", "userdb_mail=maildir:~bob/M", "no path" },
	{ "", "userdb_mail=maildir:~/M", "home that is not there" },
	{ "", "userdb_mail=maildir:M", "home that is not there" },
	{ "", "userdb_mail=maildir:%h/M", "% form" },
	{ "", "userdb_mail=maildir:/m/%d", "% form" },
	{ "", "userdb_mail=maildir:/m/%{user}", "% form" },
	{ "", "userdb_mail=maildir:/m/%Lu", "% form" },
	{ "", "userdb_mail=maildir:/m/%", "% form" },
	{ "", "userdb_mail=maildir:/m/1 userdb_mail=x", "maildir:PATH" },
};

START_TEST(a_maildir_that_cannot_be_meant_is_told_the_administrator)
{
	char text[512];

	snprintf(text, sizeof text, "al:{PLAIN}pw::::%s::%s\n",
	    no_mails[_i].home, no_mails[_i].extra);
	ck_assert_int_eq(check(file(text), "al", "pw"), AUTH_PERM);
	ck_assert_str_eq(reason, "record");
	ck_assert(nobody());
	LOGS("line 1: ");
	LOGS(no_mails[_i].says);
	ck_assert_int_eq(check(file(text), "al", "no"), AUTH_REFUSED);
	SILENT();
}
END_TEST

START_TEST(paths_are_never_cut)
{
	char text[4096], longest[AUTH_PATH_MAX + 2];

	memset(longest, 'd', sizeof longest);
	longest[0] = '/';
	longest[AUTH_PATH_MAX] = '\0';
	snprintf(text, sizeof text, "al:{PLAIN}pw::::%s::userdb_mail=maildir:"
	    "%s\n", longest, longest);
	ck_assert_int_eq(check(file(text), "al", "pw"), AUTH_OK);
	ck_assert_str_eq(who.home, longest);
	ck_assert_str_eq(who.mail, longest);
	snprintf(text, sizeof text, "al:{PLAIN}pw::::%sd::\n", longest);
	ck_assert_int_eq(check(file(text), "al", "pw"), AUTH_PERM);
	snprintf(text, sizeof text, "al:{PLAIN}pw::::::userdb_mail=maildir:"
	    "%sd\n", longest);
	ck_assert_int_eq(check(file(text), "al", "pw"), AUTH_PERM);
	snprintf(text, sizeof text, "al:{PLAIN}pw::::%s::userdb_mail=maildir:"
	    "~/x\n", longest);
	ck_assert_int_eq(check(file(text), "al", "pw"), AUTH_PERM);
	longest[AUTH_PATH_MAX - 2] = '\0';
	snprintf(text, sizeof text, "al:{PLAIN}pw::::%s::userdb_mail=maildir:"
	    "~/x\n", longest);
	ck_assert_int_eq(check(file(text), "al", "pw"), AUTH_OK);
	ck_assert_uint_eq(strlen(who.mail), AUTH_PATH_MAX);
}
END_TEST

/* --- allow_nets ---------------------------------------------------------- */

static const struct {
	const char *list, *ip;
	bool in;
} nets[] = {
	{ "192.0.2.7", "192.0.2.7", true },
	{ "192.0.2.7", "192.0.2.8", false },
	{ "192.0.2.0/24", "192.0.2.255", true },
	{ "192.0.2.0/24", "192.0.3.0", false },
	{ "192.0.2.99/24", "192.0.2.1", true },
	{ "10.0.0.0/8", "10.255.255.255", true },
	{ "10.0.0.0/8", "11.0.0.0", false },
	{ "192.0.2.128/25", "192.0.2.127", false },
	{ "192.0.2.128/25", "192.0.2.128", true },
	{ "192.0.2.4/30", "192.0.2.7", true },
	{ "192.0.2.4/31", "192.0.2.7", false },
	{ "192.0.2.7/32", "192.0.2.7", true },
	{ "192.0.2.6/32", "192.0.2.7", false },
	{ "0.0.0.0/0", "203.0.113.1", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "2001:db8::1", true },
	{ "::/0", "192.0.2.7", false },
	{ "2001:db8::/32", "2001:db8:ffff::1", true },
	{ "2001:db8::/32", "2001:db9::1", false },
	{ "2001:db8::/29", "2001:dbf::1", true },
	{ "2001:db8::/29", "2001:dc0::1", false },
	{ "2001:DB8::1", "2001:db8::1", true },
	{ "2001:db8::1/128", "2001:db8::2", false },
	{ "::ffff:192.0.2.0/120", "192.0.2.7", true },
	{ "192.0.2.0/24", "::ffff:192.0.2.7", true },
	{ "192.0.2.0/24", "::ffff:192.0.3.7", false },
	{ "::ffff:192.0.2.0/64", "192.0.2.7", false },
	{ "::ffff:192.0.2.0/64", "::1", true },
	{ "198.51.100.1,192.0.2.7", "192.0.2.7", true },
	{ "198.51.100.1,2001:db8::/32,192.0.2.0/24", "192.0.2.7", true },
	{ "198.51.100.1,203.0.113.1", "192.0.2.7", false },
	{ "local,192.0.2.7", "192.0.2.7", true },
	{ "local", "192.0.2.7", false }, { "local", "127.0.0.1", false },
	{ "local", "", false }, { "127.0.0.1", "", false },
	{ "0.0.0.0/0", "", false }, { "0.0.0.0/0", "-", false },
	{ "0.0.0.0/0", "unknown", false }, { "0.0.0.0/0", "10.0.0.1/8",
	    false },
	/* one word that cannot be read refuses all */
	{ "192.0.2.7,x", "192.0.2.7", false },
	{ "x,192.0.2.7", "192.0.2.7", false },
	{ "192.0.2.7,", "192.0.2.7", false },
	{ ",192.0.2.7", "192.0.2.7", false },
	{ "192.0.2.7,,192.0.2.7", "192.0.2.7", false },
	{ "", "192.0.2.7", false }, { ",", "192.0.2.7", false },
	{ "192.0.2.0/33", "192.0.2.0", false },
	{ "192.0.2.0/", "192.0.2.0", false },
	{ "192.0.2.0/-1", "192.0.2.0", false },
	{ "192.0.2.0/24x", "192.0.2.0", false },
	{ "192.0.2.0/24/24", "192.0.2.0", false },
	{ "/24", "192.0.2.0", false }, { "192.0.2/24", "192.0.2.0", false },
	{ "192.0.2.0/255.255.255.0", "192.0.2.0", false },
	{ "192.0.2.0/99999999999999999999", "192.0.2.0", false },
	{ "2001:db8::/129", "2001:db8::1", false },
	{ "2001:db8:::/32", "2001:db8::1", false },
	{ "[2001:db8::1]", "2001:db8::1", false },
	{ "LOCAL,192.0.2.7", "192.0.2.7", false },
	{ "192.0.2.7;192.0.2.8", "192.0.2.7", false },
	{ "host.example", "192.0.2.7", false },
	{ "00000000000000000000000000000000000000000000000192.0.2.7",
	    "192.0.2.7", false },
};

START_TEST(allow_nets_lets_in_whom_it_names)
{
	char text[512];
	enum auth_verdict v;

	snprintf(text, sizeof text, "al:{PLAIN}pw::::::a=b allow_nets=%s c\n",
	    nets[_i].list);
	client = nets[_i].ip;
	v = check(file(text), "al", "pw");
	ck_assert_int_eq(v, nets[_i].in ? AUTH_OK : AUTH_REFUSED);
	if (!nets[_i].in)
		ck_assert_str_eq(reason, "nets");
	ck_assert_int_eq(check(file(text), "al", "no"), AUTH_REFUSED);
	ck_assert_str_eq(reason, "credentials");
	client = "192.0.2.7";
}
END_TEST

START_TEST(each_allow_nets_must_agree)
{
	ck_assert_int_eq(check(file("al:{PLAIN}pw::::::allow_nets\n"), "al",
	    "pw"), AUTH_REFUSED);
	ck_assert_int_eq(check(file("al:{PLAIN}pw::::::allow_nets=192.0.2.7 "
	    "allow_nets=10.0.0.1\n"), "al", "pw"), AUTH_REFUSED);
	ck_assert_int_eq(check(file("al:{PLAIN}pw::::::allow_nets=192.0.2.7 "
	    "allow_nets=192.0.0.0/8\n"), "al", "pw"), AUTH_OK);
	ck_assert_int_eq(check(file("al:{PLAIN}pw::::::xallow_nets=10.0.0.1 "
	    "allow_netsx=10.0.0.1 Allow_Nets=10.0.0.1\n"), "al", "pw"),
	    AUTH_OK);
}
END_TEST

/* --- the file itself ----------------------------------------------------- */

START_TEST(who_may_write_the_file_could_make_himself_anybody)
{
	const char *path = file("al:{PLAIN}pw:1000:100\n");
	mode_t mode;
	int root;

	for (root = 0; root < 2; root++)
		for (mode = 0400; mode <= 0777; mode++) {
			bool good = (mode & 022) == 0;

			ck_assert_int_eq(chmod(path, mode), 0);
			as_root = root;
			if (geteuid() != 0 && (mode & 0400) == 0)
				continue;
			ck_assert_int_eq(check(path, "al", "no"), good ?
			    AUTH_REFUSED : AUTH_PERM);
			ck_assert_str_eq(reason, good ? "credentials" :
			    "file");
			if (!good)
				LOGS("chmod go-w /");
		}
	as_root = false;
}
END_TEST

START_TEST(as_root_the_file_must_be_roots)
{
	const char *path = file("al:{PLAIN}pw:1000:100\n");

	if (geteuid() != 0)
		return;		/* only root can give files away */
	as_root = true;
	ck_assert_int_eq(check(path, "al", "pw"), AUTH_OK);
	ck_assert_int_eq(chown(path, 1000, 0), 0);
	ck_assert_int_eq(check(path, "al", "pw"), AUTH_PERM);
	LOGS("chown root");
	as_root = false;
	ck_assert_int_eq(check(path, "al", "no"), AUTH_REFUSED);
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused_at_once)
{
	const char *box = new_maildir();
	const char *link = path_in(box, "link"), *fifo = path_in(box, "fifo");

	put(box, "passwd", "al:{PLAIN}pw\n");
	ck_assert_int_eq(symlink("passwd", link), 0);
	ck_assert_int_eq(check(link, "al", "pw"), AUTH_PERM);
	LOGS("symbolic link");
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_assert_int_eq(check(fifo, "al", "pw"), AUTH_PERM);
	LOGS("regular");
	ck_assert_int_eq(check(box, "al", "pw"), AUTH_PERM);
	ck_assert_int_eq(check("/dev/null", "al", "pw"), AUTH_PERM);
	ck_assert_str_eq(reason, "file");
	ck_assert(nobody());
}
END_TEST

START_TEST(a_file_out_of_reach_is_trouble_and_no_unknown_user)
{
	ck_assert_int_eq(check("/nonexistent/passwd", "al", "pw"), AUTH_TEMP);
	LOGS("must be able to read: /nonexistent/passwd: No such file");
	ck_assert_int_eq(check("", "al", "pw"), AUTH_TEMP);
	/* Regular, ours, and cannot be read at 0: EIO. */
	ck_assert_int_eq(check("/proc/self/mem", "al", "pw"), AUTH_TEMP);
	LOGS("cannot read passwd-file");
	ck_assert_str_eq(reason, "file");
	ck_assert(nobody());
}
END_TEST

START_TEST(a_file_that_is_not_as_long_as_it_said_is_not_believed)
{
	/* fstat(2) says 0 octets, and there are some. */
	ck_assert_int_eq(check("/proc/self/status", "al", "pw"), AUTH_TEMP);
	LOGS("changed while it was read");
}
END_TEST

START_TEST(no_descriptor_is_left_open)
{
	static const char *const path[] = { "/proc/self/mem", "/dev/null",
		"/proc/self/status", "/nonexistent" };
	size_t i, before = files_in("/proc/self", "fd");

	for (i = 0; i < COUNT(path); i++)
		check(path[i], "al", "pw");
	check(file("al:{PLAIN}pw\n"), "al", "pw");
	ck_assert_uint_eq(files_in("/proc/self", "fd"), before);
}
END_TEST

/* --- the same work ------------------------------------------------------- */

#ifdef HAVE_CRYPT
/* Broken ones first: they look right, and crypt(3) does not take them. */
static const char users[] =
	"cost:$2b$99$abcdefghijklmnopqrstuucrDIaZKIMQrr50nt5z7.TZ/E6zxMikm\n"
	"short:$6$salt$short\n"
	"rounds:$5$rounds=x$saltsalt$Ipxz6VOSKypstEwO7Mfoo7eETZtNjKDOcLCnQ1zc"
	"dI6\n"
	"plain:{PLAIN}pw\n"
	"sha:{SHA256}HfkSoOgEJQsUELJuhn4w+hMU6LVg9M0yJkpfiEyDW5A=\n"
	"first:" SHA5 "\n"
	"second:{CRYPT}" OTHER5 "\n"
	"locked:!" SHA5 "\n"
	"none:\n"
	"shadow:x\n"
	"star:*0\n"
	"md5:$1$saltsalt$Za1QBI8iEuuEbnKvXV4R/0\n"
	"argon:{ARGON2ID}$argon2id$x\n"
	"damaged:{SHA256}x\n"
	"nologin:" OTHER5 ":1:1::::nologin\n"
	"plain-nologin:{PLAIN}Correct horse:1:1::::nologin\n"
	"plain-nets:{PLAIN}Correct horse:1:1::::allow_nets=10.0.0.1\n"
	"nopassword:" SHA5 ":1:1::::nopassword\n"
	"free::1:1::::nopassword\n"
	"nets:" SHA5 ":1:1::::allow_nets=10.0.0.1\n"
	"root:" SHA5 ":0:0\n";

static const struct {
	const char *name, *secret, *setting;
} same_work[] = {
	{ "nobody", "x", SHA5 }, { "", "x", SHA5 }, { "../x", "x", SHA5 },
	{ "cost", "x", SHA5 }, { "short", "x", SHA5 }, { "rounds", "x", SHA5 },
	{ "plain", "x", SHA5 }, { "sha", "x", SHA5 }, { "first", "x", SHA5 },
	{ "second", "x", "second" }, { "locked", "x", SHA5 },
	{ "locked", "Correct horse", SHA5 }, { "none", "x", SHA5 },
	{ "shadow", "x", SHA5 }, { "star", "*0", SHA5 }, { "md5", "x", SHA5 },
	{ "argon", "x", SHA5 }, { "damaged", "x", SHA5 },
	{ "nologin", "x", "second" }, { "nologin", "Correct horse", "second" },
	{ "plain-nologin", "Correct horse", SHA5 },
	{ "plain-nologin", "x", SHA5 },
	{ "plain-nets", "Correct horse", SHA5 },
	{ "nopassword", "Correct horse", SHA5 }, { "free", "x", SHA5 },
	{ "nets", "Correct horse", SHA5 }, { "root", "x", SHA5 },
};

START_TEST(each_refusal_costs_one_crypt)
{
	const char *setting = same_work[_i].setting;

	crypt_done = 0;
	ck_assert_int_eq(check(file(users), same_work[_i].name,
	    same_work[_i].secret), AUTH_REFUSED);
	ck_assert_uint_eq(crypt_done, 1);
	ck_assert_str_eq(crypt_setting, strcmp(setting, "second") == 0 ?
	    OTHER5 : setting);
}
END_TEST

START_TEST(a_success_costs_one_crypt_at_most)
{
	crypt_done = 0;
	ck_assert_int_eq(check(file(users), "first", "Correct horse"),
	    AUTH_OK);
	ck_assert_uint_eq(crypt_done, 1);
	ck_assert_int_eq(check(file(users), "plain", "pw"), AUTH_OK);
	ck_assert_uint_eq(crypt_done, 1);
	ck_assert_int_eq(check(file(users), "root", "Correct horse"),
	    AUTH_PERM);
	ck_assert_uint_eq(crypt_done, 2);
}
END_TEST

START_TEST(the_dummy_may_stand_at_the_end_of_the_file)
{
	crypt_done = 0;
	ck_assert_int_eq(check(behind(100000, "al:{PLAIN}pw\nz:" SHA5), "al",
	    "x"), AUTH_REFUSED);
	ck_assert_uint_eq(crypt_done, 1);
}
END_TEST
#endif

START_TEST(without_a_hash_in_the_file_no_refusal_costs_one)
{
	static const char text[] = "al:{PLAIN}pw\nbo:!\nce:x\n";

	crypt_calls = 0;
	ck_assert_int_eq(check(file(text), "al", "x"), AUTH_REFUSED);
	ck_assert_int_eq(check(file(text), "bo", "x"), AUTH_REFUSED);
	ck_assert_int_eq(check(file(text), "no", "x"), AUTH_REFUSED);
	ck_assert_uint_eq(crypt_calls, 0);
}
END_TEST

static void add_lines(Suite *s)
{
	TCase *tc = unit_case(s, "lines (P-152, P-58, S-15)");

	tcase_add_loop_test(tc, the_record_of_a_name_is_found, 0, COUNT(in));
	tcase_add_loop_test(tc, everything_else_is_refused_in_silence, 0,
	    COUNT(out));
	tcase_add_test(tc,
	    a_hash_that_cannot_be_used_is_told_the_administrator_alone);
	tcase_add_loop_test(tc, a_hostile_name_is_nobody, 0, COUNT(hostile));
	tcase_add_test(tc, the_longest_name_works_and_one_more_octet_does_not);
	tcase_add_test(tc, a_request_whose_lengths_lie_is_refused);
	tcase_add_test(tc, an_empty_secret_never_fits);
	tcase_add_test(tc,
	    apop_needs_a_secret_in_the_clear_that_is_not_kept_here);

	tc = unit_case(s, "lengths (P-154)");
	tcase_add_loop_test(tc, a_long_line_is_skipped_and_the_next_one_counts,
	    0, COUNT(lengths));
	tcase_add_test(tc, a_long_line_without_end_is_skipped_too);
	tcase_add_test(tc, a_record_of_4096_octets_is_used_whole);
	tcase_add_test(tc, a_line_with_a_nul_is_skipped);
	tcase_add_test(tc, a_longest_record_may_be_read_up_to_its_cr);
	tcase_add_test(tc, a_record_is_found_at_each_place_of_a_large_file);
}

static void add_records(Suite *s)
{
	TCase *tc = unit_case(s, "uid and gid (P-152, S-14)");

	tcase_add_loop_test(tc, uid_and_gid_are_as_the_way_it_was_started_wants,
	    0, COUNT(ids));
	tcase_add_test(tc, our_own_uid_may_stand_in_the_record);

	tc = unit_case(s, "home and Maildir (P-152, S-7)");
	tcase_add_loop_test(tc, the_record_names_home_and_maildir, 0,
	    COUNT(mails));
	tcase_add_loop_test(tc,
	    a_maildir_that_cannot_be_meant_is_told_the_administrator, 0,
	    COUNT(no_mails));
	tcase_add_test(tc, paths_are_never_cut);

	tc = unit_case(s, "allow_nets (P-152)");
	tcase_add_loop_test(tc, allow_nets_lets_in_whom_it_names, 0,
	    COUNT(nets));
	tcase_add_test(tc, each_allow_nets_must_agree);
}

Suite *auth_file_suite(void)
{
	Suite *s = suite_create("auth_file");
	TCase *tc;

	add_lines(s);
	add_records(s);

	tc = unit_case(s, "the file itself (P-154, P-61, S-8)");
	tcase_add_test(tc, who_may_write_the_file_could_make_himself_anybody);
	tcase_add_test(tc, as_root_the_file_must_be_roots);
	tcase_add_test(tc, what_is_no_regular_file_is_refused_at_once);
	tcase_add_test(tc, a_file_out_of_reach_is_trouble_and_no_unknown_user);
	tcase_add_test(tc,
	    a_file_that_is_not_as_long_as_it_said_is_not_believed);
	tcase_add_test(tc, no_descriptor_is_left_open);

	tc = unit_case(s, "the same work (S-5)");
#ifdef HAVE_CRYPT
	tcase_add_loop_test(tc, each_refusal_costs_one_crypt, 0,
	    COUNT(same_work));
	tcase_add_test(tc, a_success_costs_one_crypt_at_most);
	tcase_add_test(tc, the_dummy_may_stand_at_the_end_of_the_file);
#endif
	tcase_add_test(tc, without_a_hash_in_the_file_no_refusal_costs_one);
	return s;
}
