#!/usr/bin/env python3
# Perl's Net::POP3, with and without TLS, and STLS.
import os
import sys

sys.path.insert(0, os.environ["T"])
from client import *

# Fetches into files, with LF ends, and deletes if told so.
SCRIPT = r"""
use strict;
use warnings;
use Net::POP3;
my ($link, $port, $secret, $ca, $delete) = @ARGV;
my $pop = Net::POP3->new("localhost", Port => $port, Timeout => 30,
	SSL => $link eq "tls", SSL_ca_file => $ca) or die "no greeting: $@";
$link ne "stls" or $pop->starttls(SSL_ca_file => $ca) or die "no STLS: $@";
my $count = $pop->login("alice", $secret);
defined $count or die "no login: " . $pop->message;
my ($number, $octets) = $pop->popstat;
my $list = $pop->list;
my $uids = $pop->uidl;
$number == keys %$list && $number == keys %$uids or die "counts";
my $sum = 0;
$sum += $_ for values %$list;
$sum == $octets or die "sizes";
my %seen;
if (open my $in, "<", "seen") {
	chomp, $seen{$_} = 1 while <$in>;
}
open my $ids, ">>", "seen" or die;
for my $n (sort keys %$list) {
	next if $seen{$uids->{$n}};
	open my $out, ">:raw", "got/$n" or die;
	print $out @{$pop->get($n)};
	close $out or die;
	print $ids "$uids->{$n}\n";
	my $top = $pop->top($n, 0) or die "no TOP";
	$delete and ($pop->delete($n) or die "no DELE");
}
$pop->quit or die "no answer to QUIT";
"""


class Perl(Post):
    def fetch(self, delete):
        got = self.empty("got")
        script = self.write("fetch.pl", SCRIPT)
        self.run("perl", script, self.link, str(self.port), SECRET, self.cert,
                 "1" if delete else "")
        # Behind TLS it leaves CR where it was.
        return sorted(octets.replace(b"\r\n", b"\n") for octets in files(got))


fetches("Net::POP3", Perl)

done()
