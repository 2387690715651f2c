# SPDX-License-Identifier: MIT
# ICMP errors.

story (opened)
listen
< S
< A
accept

story (sent)
use (opened)
send 1500
wait 10

story SYN: network unreachable
connect
icmp net seq=0
state
error
wait 1500

story SYN: host unreachable
connect
icmp host seq=0
state
error
wait 1500

story SYN: port unreachable
connect
icmp port seq=0
state
error

story SYN: protocol unreachable
connect
icmp protocol seq=0
state
error

story SYN: prohibited
connect
icmp prohibited seq=0
state
error

story SYN: time exceeded
connect
icmp ttl seq=0
state
error

story SYN: parameter problem
connect
icmp parameter seq=0
state
error

story SYN: an error that quotes another number
connect
icmp port seq=100
state
error

story SYN-RECEIVED: port unreachable
listen
< S
icmp port seq=0
state
< A
accept

story data: network unreachable
use (sent)
icmp net
state
error
recv
wait 300
< A

story data: host unreachable
use (sent)
icmp host
state
error
wait 300
< A

story data: port unreachable
use (sent)
icmp port
state
error
wait 300
< A

story data: protocol unreachable
use (sent)
icmp protocol
state
error
wait 300
< A

story data: prohibited
use (sent)
icmp prohibited
state
error
wait 300
< A

story data: time exceeded
use (sent)
icmp ttl
state
error
wait 300
< A

story data: source quench
use (sent)
icmp quench
state
wait 20
< A

story data: packet too big
use (sent)
icmp toobig mtu=1300
wait 20
< A
send 3000
wait 20
< A

story data: packet too big, smaller than a minimum
use (opened)
send 900
icmp toobig mtu=68
wait 20
< A
send 3000
wait 20
< A

story data: packet too big, larger than what was sent
use (sent)
icmp toobig mtu=9000
wait 20
< A

story data: packet too big, quoting what is not in flight
use (sent)
icmp toobig mtu=600 seq=100000
wait 20
< A
send 1000
wait 20
< A

story nothing in flight: host unreachable
use (opened)
icmp host
state
error

story datagrams: port unreachable
udp
send 10
icmp port udp
error
send 10
recv

story datagrams: host unreachable
udp
send 10
icmp host udp
error
recv

story datagrams: time exceeded
udp
send 10
icmp ttl udp
error
recv
