# SPDX-License-Identifier: MIT
# Opening: what a SYN brings and gets, when it is sent again, who is refused.

story (opened)
listen
< S
< A
accept

story (opened with everything)
listen
< S mss=1000 ws=7 sackok ts
< A
accept

story passive open
use (opened)
state

story passive open with all options
use (opened with everything)
state

story active open
connect
state
< SA
state
send 10
< A

story active open with all options
connect
< SA mss=1000 ws=7 sackok ts
state
send 10
< A

story active open, the peer does window scaling alone
connect
< SA ws=3
state

story active open, the peer does timestamps alone
connect
< SA ts
state

story active open, the peer does SACK alone
connect
< SA sackok
state

story connect again
connect
connect
< SA
connect

story SYN is sent again and again
connect
wait 7500
state

story SYN-ACK is sent again and again
listen
< S
wait 7500
state

story the SYN comes twice
listen
< S
wait 100
< S seq=0
< A
accept

story the SYN comes again after the ACK
use (opened)
< S seq=0
state

story SYN-ACK comes twice
connect
< SA
< SA seq=0
state

story refused
connect
< RA seq=0
error
state

story refused without ACK: ignored
connect
< R seq=0
state

story a RST with a wrong ACK does not refuse
connect
< RA seq=0 ack=N+5
wait 50
state

story text with the SYN
listen
< S len=100
< A seq=1
accept
recv
< PA seq=1 len=100
wait 60
recv

story text and FIN with the SYN-ACK
connect
< SA len=50
recv
state

story text with the ACK of the SYN-ACK
listen
< S
< PA len=100
wait 60
accept
recv
wait 60

story FIN with the ACK of the SYN-ACK
listen
< S
< FA
wait 60
accept
recv
state

story send while opening
connect
send 100
< SA
wait 20
< A

story shutdown while opening
connect
shutdown send
state
< SA
state

story close while opening
connect
close
state
< SA
state

story close the listener with a connection half open
listen
< S
close
< A
state

story close the listener with a connection that nobody accepted
listen
< S
< A
close
state

story simultaneous open
connect
< S
wait 20
< SA seq=0
state
< PA seq=1 len=10
wait 60
recv

story simultaneous open with options
connect
< S mss=1000 ws=7 sackok ts
wait 20
< SA seq=0 ack=1 mss=1000 ws=7 sackok
state

story simultaneous open, SYN-ACK is sent again
connect
< S
wait 3500
state

story a listener of one, and three who call
listen 1
< S
< A
peer 1
< S
< A
peer 2
< S
< A
wait 50
peer 0
state
peer 1
state
peer 2
state
accept

story reset before accept
listen
< S
< A
< R
accept

story reset while it waits to be accepted
listen
< S
< A
< PA len=20
wait 60
< R
accept
recv
recv

story a closed port
< S seq=0
< A seq=10 ack=20
< PA seq=10 ack=20 len=5
< R seq=0
< FA seq=10 ack=20

story port unreachable for a datagram
< udp len=20

story datagrams
udp
send 10
< udp len=20
recv
< udp len=0
recv
recv

story calls that come too early
option nodelay 1
send 10
recv
shutdown send
accept
