/*
 * check_filesystem.c - --check: what the filesystem under a Maildir means.
 *
 * Runs as: the administrator.
 * Trusts:  the kernel.
 */
#include "admin/check_filesystem.h"

#include "admin/finding.h"

#include <limits.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

static const struct {
	unsigned long magic;
	const char *name;
	bool network;
} kinds[] = {
	{ NFS_SUPER_MAGIC, "NFS", true },
	{ CIFS_SUPER_MAGIC, "SMB", true },
	{ SMB2_SUPER_MAGIC, "SMB", true },
	{ CEPH_SUPER_MAGIC, "Ceph", true },
	{ AFS_FS_MAGIC, "AFS", true },
	{ V9FS_MAGIC, "9P", true },
	{ 0x01161970, "GFS2", true },
	{ 0x7461636f, "OCFS2", true },
	{ FUSE_SUPER_MAGIC, "FUSE", false },
	{ OVERLAYFS_SUPER_MAGIC, "overlay", false },
	{ MSDOS_SUPER_MAGIC, "FAT", false },
};

/* Where the filesystem of path is mounted. */
static void mount_point(const char *path, char at[PATH_MAX])
{
	char up[PATH_MAX];
	struct stat here, above;
	char *slash;

	if (realpath(path, at) == NULL)
		snprintf(at, PATH_MAX, "/");
	while (strcmp(at, "/") != 0 && stat(at, &here) == 0) {
		snprintf(up, sizeof up, "%s", at);
		slash = strrchr(up, '/');
		slash[slash == up ? 1 : 0] = '\0';
		if (stat(up, &above) == -1 || above.st_dev != here.st_dev)
			return;
		strcpy(at, up);
	}
}

static void kind_of(const char *at, unsigned long magic, bool locks)
{
	size_t i;

	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (kinds[i].magic == magic)
			break;
	if (i == sizeof kinds / sizeof kinds[0]) {
		finding_well("filesystem of %s: a local one", at);
		return;
	}
	finding_note("filesystem of %s: %s: %s", at, kinds[i].name,
	    kinds[i].network ? "what another host has just renamed may look "
	    "removed; see CAVEATS of the manual" : "inode numbers may change, "
	    "so messages are known by name, size and time");
	if (locks && kinds[i].network)
		finding_note("--lock on %s: may bind the sessions of this host "
		    "only; see BEYOND ONE MACHINE of the manual", at);
}

static void mount_flags(const char *at, unsigned long flags)
{
	if ((flags & ST_RDONLY) != 0) {
		finding_mend("filesystem of %s: it is mounted read-only", at);
		finding_do("mount -o remount,rw %s", finding_quote(at));
	}
	if ((flags & (ST_NOATIME | ST_RELATIME)) == 0)
		finding_note("filesystem of %s: each message that is read has "
		    "its time of access written; \"mount -o remount,noatime "
		    "%s\" saves that", at, finding_quote(at));
}

void check_filesystem(const char *path, bool locks)
{
	static dev_t seen[16];
	static size_t count;
	char at[PATH_MAX];
	struct statvfs flags;
	struct statfs fs;
	struct stat st;
	size_t i;

	if (stat(path, &st) == -1 || statfs(path, &fs) == -1 ||
	    statvfs(path, &flags) == -1 || count == sizeof seen / sizeof *seen)
		return;
	for (i = 0; i < count; i++)
		if (seen[i] == st.st_dev)
			return;
	seen[count++] = st.st_dev;
	mount_point(path, at);
	kind_of(at, (unsigned long)fs.f_type, locks);
	mount_flags(at, flags.f_flag);
}
