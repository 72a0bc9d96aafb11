#!/usr/bin/perl
# slow-link.pl TAP-A TAP-B DELAY-MS LOSS-PERCENT SEED: two tap devices in this network namespace and between them a line
# that delays each frame and loses some, in each direction. Kernels without the netem scheduler have nothing of the kind.
# Prints `ready` when both devices exist; they vanish with this process.
use strict;
use warnings;
use Time::HiRes qw(time);

my ($name_a, $name_b, $delay_ms, $loss, $seed) = @ARGV;
srand($seed);
$| = 1;

sub tap {
    my ($name) = @_;
    open(my $fh, '+<', '/dev/net/tun') or die "/dev/net/tun: $!\n";
    my $request = pack('a16 s x22', $name, 0x0002 | 0x1000);    # IFF_TAP | IFF_NO_PI
    ioctl($fh, 0x400454ca, $request) or die "TUNSETIFF $name: $!\n";
    return $fh;
}

my @ends = (tap($name_a), tap($name_b));
my @line;    # [when, to, frame], oldest first: the delay is the same for all
print "ready\n";
while (1) {
    my $wait = @line ? $line[0][0] - time() : undef;
    $wait = 0 if defined $wait && $wait < 0;
    my $readable = '';
    vec($readable, fileno($_), 1) = 1 for @ends;
    my $found = select($readable, undef, undef, $wait);
    if ($found > 0) {
        for my $i (0, 1) {
            next unless vec($readable, fileno($ends[$i]), 1);
            my $frame;
            next unless sysread($ends[$i], $frame, 65536);
            next if rand(100) < $loss;
            push @line, [time() + $delay_ms / 1000, 1 - $i, $frame];
        }
    }
    while (@line && $line[0][0] <= time()) {
        my (undef, $to, $frame) = @{ shift @line };
        syswrite($ends[$to], $frame);
    }
}
