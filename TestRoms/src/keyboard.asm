; keyboard: the 8042 keyboard controller with its keyboard, mouse and A20 gate. Self test, command byte, the loopback commands, the
; output port, IRQ 1 and IRQ 12, the keyboard's own commands with the three scan code sets, and address line 20 by both of its switches.
;
; IBM PS/2 Technical Reference, keyboard controller and keyboard; ports 60h (data) and 64h (status, command), 92h (fast A20).

%include "kernel.inc"
%include "pic.inc"

DATA equ 0x60
STATUS equ 0x64
OBF equ 1
IBF equ 2
SYS equ 4
AUX equ 0x20

CB_IRQ1 equ 1
CB_IRQ12 equ 2
CB_SYS equ 4
CB_NO_KEYBOARD equ 0x10
CB_NO_MOUSE equ 0x20
CB_TRANSLATE equ 0x40

NOTHING equ 0xFFFF              ; what `receive` returns when no byte came
FROM_AUX equ 0x100              ; added to a byte of the mouse

section .bss
irqs1:      resd 1
irqs12:     resd 1
irq_data:   resd 1
section .text

main:
    call pic_init
    call flush
    call self_test
    call command_byte
    call loopbacks
    call keyboard_commands
    call scan_code_sets
    call mouse
    call interrupts
    call a20
    ret

; wait_input: until the controller takes a byte
wait_input:
    push eax
    push ecx
    mov ecx, 200000
.poll:
    in al, STATUS
    test al, IBF
    jz .ready
    loop .poll
.ready:
    pop ecx
    pop eax
    ret

; receive: EAX = the next byte, with FROM_AUX when it is the mouse's, or NOTHING after a long wait
receive:
    push ecx
    mov ecx, 400000
.poll:
    in al, STATUS
    test al, OBF
    jnz .come
    loop .poll
    mov eax, NOTHING
    pop ecx
    ret
.come:
    movzx ecx, al
    in al, DATA
    movzx eax, al
    test cl, AUX
    jz .keyboard
    or eax, FROM_AUX
.keyboard:
    pop ecx
    ret

; flush: takes away whatever is there
flush:
    mov ecx, 100
.next:
    in al, STATUS
    test al, OBF
    jz .empty
    in al, DATA
.empty:
    loop .next
    ret

; COMMAND byte: to the controller; SEND byte: to port 60h; MOUSE byte: to the mouse
%macro COMMAND 1
    call wait_input
    mov al, %1
    out STATUS, al
%endmacro
%macro SEND 1
    call wait_input
    mov al, %1
    out DATA, al
%endmacro
%macro MOUSE 1
    COMMAND 0xD4
    SEND %1
%endmacro
%macro EXPECT_BYTE 1.nolist
    call receive
    EXPECT_EQ eax, %1
%endmacro
%macro SET_COMMAND_BYTE 1
    COMMAND 0x60
    SEND %1
%endmacro

; ---------------------------------------------------------------------------------------------------------------------------------
self_test:
    GROUP "self test and interface test"
    COMMAND 0xAA
    EXPECT_BYTE 0x55
    in al, STATUS
    and eax, SYS
    EXPECT_EQ eax, SYS                          ; the system flag: passed
    COMMAND 0xAB
    EXPECT_BYTE 0
    COMMAND 0xA9
    EXPECT_BYTE 0                               ; the mouse's interface
    in al, STATUS
    and eax, OBF
    EXPECT_EQ eax, 0
    ret

command_byte:
    GROUP "command byte"
    SET_COMMAND_BYTE CB_SYS | CB_NO_KEYBOARD | CB_NO_MOUSE
    COMMAND 0x20
    EXPECT_BYTE CB_SYS | CB_NO_KEYBOARD | CB_NO_MOUSE
    COMMAND 0xAE                                ; enable the keyboard ...
    COMMAND 0x20
    EXPECT_BYTE CB_SYS | CB_NO_MOUSE
    COMMAND 0xA8                                ; ... and the mouse
    COMMAND 0x20
    EXPECT_BYTE CB_SYS
    COMMAND 0xAD
    COMMAND 0xA7
    COMMAND 0x20
    EXPECT_BYTE CB_SYS | CB_NO_KEYBOARD | CB_NO_MOUSE
    SET_COMMAND_BYTE CB_SYS                     ; both on, no interrupts, no translation
    ret

loopbacks:
    GROUP "bytes written to the output buffer"
    COMMAND 0xD2                                ; as if from the keyboard
    SEND 0xA5
    EXPECT_BYTE 0xA5
    COMMAND 0xD3                                ; as if from the mouse
    SEND 0x5A
    EXPECT_BYTE 0x5A | FROM_AUX
    ; one read empties it, and the status tells
    in al, STATUS
    and eax, OBF
    EXPECT_EQ eax, 0
    ; bit 3 of the status says whether the last write went to port 64h
    COMMAND 0x20
    call receive
    in al, STATUS
    and eax, 8
    EXPECT_EQ eax, 8
    ret

keyboard_commands:
    GROUP "keyboard commands"
    SEND 0xEE                                   ; echo
    EXPECT_BYTE 0xEE
    SEND 0xF2                                   ; identify
    EXPECT_BYTE 0xFA
    EXPECT_BYTE 0xAB
    EXPECT_BYTE 0x83
    SEND 0xED                                   ; LEDs take an argument, acknowledged as well
    EXPECT_BYTE 0xFA
    SEND 7
    EXPECT_BYTE 0xFA
    SEND 0xF3                                   ; typematic rate
    EXPECT_BYTE 0xFA
    SEND 0x20
    EXPECT_BYTE 0xFA
    SEND 0xF5                                   ; disable scanning, enable it
    EXPECT_BYTE 0xFA
    SEND 0xF4
    EXPECT_BYTE 0xFA
    SEND 0xFF                                   ; reset: acknowledge, then the result of the self test
    EXPECT_BYTE 0xFA
    EXPECT_BYTE 0xAA
    ret

scan_code_sets:
    GROUP "scan code sets"
    ; set 2 after a reset; F0h with argument 0 asks
    SEND 0xF0
    EXPECT_BYTE 0xFA
    SEND 0
    EXPECT_BYTE 0xFA
    EXPECT_BYTE 2
    SEND 0xF0
    EXPECT_BYTE 0xFA
    SEND 1
    EXPECT_BYTE 0xFA
    SEND 0xF0
    EXPECT_BYTE 0xFA
    SEND 0
    EXPECT_BYTE 0xFA
    EXPECT_BYTE 1
    SEND 0xF0
    EXPECT_BYTE 0xFA
    SEND 2
    EXPECT_BYTE 0xFA
    ; translation is the controller's: the answer 2 passes through it as the scan code 2 would, and becomes 41h
    SET_COMMAND_BYTE CB_SYS | CB_TRANSLATE
    SEND 0xF0
    EXPECT_BYTE 0xFA                            ; 80h and above is not translated
    SEND 0
    EXPECT_BYTE 0xFA
    EXPECT_BYTE 0x41
    SET_COMMAND_BYTE CB_SYS
    ret

mouse:
    GROUP "mouse"
    MOUSE 0xFF
    EXPECT_BYTE 0xFA | FROM_AUX
    EXPECT_BYTE 0xAA | FROM_AUX
    EXPECT_BYTE 0x00 | FROM_AUX
    MOUSE 0xF2
    EXPECT_BYTE 0xFA | FROM_AUX
    EXPECT_BYTE 0x00 | FROM_AUX
    MOUSE 0xE9                                  ; status: nothing pressed, scaling 1:1, 4 counts a millimetre, 100 reports a second
    EXPECT_BYTE 0xFA | FROM_AUX
    EXPECT_BYTE 0x00 | FROM_AUX
    EXPECT_BYTE 0x02 | FROM_AUX
    EXPECT_BYTE 0x64 | FROM_AUX
    MOUSE 0xF3
    EXPECT_BYTE 0xFA | FROM_AUX
    MOUSE 40
    EXPECT_BYTE 0xFA | FROM_AUX
    MOUSE 0xE7                                  ; scaling 2:1
    EXPECT_BYTE 0xFA | FROM_AUX
    MOUSE 0xE9
    EXPECT_BYTE 0xFA | FROM_AUX
    EXPECT_BYTE 0x10 | FROM_AUX
    EXPECT_BYTE 0x02 | FROM_AUX
    EXPECT_BYTE 40 | FROM_AUX
    MOUSE 0xF6                                  ; defaults
    EXPECT_BYTE 0xFA | FROM_AUX
    MOUSE 0xEB                                  ; a packet on demand: no movement
    EXPECT_BYTE 0xFA | FROM_AUX
    EXPECT_BYTE 0x08 | FROM_AUX
    EXPECT_BYTE 0x00 | FROM_AUX
    EXPECT_BYTE 0x00 | FROM_AUX
    ret

on_irq1:
    inc dword [irqs1]
    in al, DATA
    movzx eax, al
    mov [irq_data], eax
    EOI_MASTER
    ret
on_irq12:
    inc dword [irqs12]
    in al, DATA
    movzx eax, al
    mov [irq_data], eax
    EOI_SLAVE
    ret

interrupts:
    GROUP "IRQ 1 and IRQ 12"
    mov dword [hooks + (IRQ_BASE + 1) * 4], on_irq1
    mov dword [hooks + (IRQ_BASE + 12) * 4], on_irq12
    mov dword [irqs1], 0
    mov dword [irqs12], 0
    call flush
    call pic_init
    UNMASK 1
    UNMASK 12
    SET_COMMAND_BYTE CB_SYS | CB_IRQ1 | CB_IRQ12
    COMMAND 0xD2
    SEND 0x77
    sti
    hlt
    cli
    EXPECT_EQ [irqs1], 1
    EXPECT_EQ [irqs12], 0
    EXPECT_EQ [irq_data], 0x77
    COMMAND 0xD3
    SEND 0x66
    sti
    hlt
    cli
    EXPECT_EQ [irqs1], 1
    EXPECT_EQ [irqs12], 1
    EXPECT_EQ [irq_data], 0x66
    ; answers of the devices interrupt as well
    SEND 0xEE
    sti
    hlt
    cli
    EXPECT_EQ [irqs1], 2
    EXPECT_EQ [irq_data], 0xEE
    ; without the enable bits nothing comes
    SET_COMMAND_BYTE CB_SYS
    COMMAND 0xD2
    SEND 0x55
    EXPECT_BYTE 0x55
    sti
    nop
    nop
    cli
    EXPECT_EQ [irqs1], 2
    mov al, 0xFF
    out 0x21, al
    out 0xA1, al
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
; The A20 gate masks address bit 20. This image is at 1 MiB, which is where such a mask hurts: the probe runs from a copy below 64 KiB,
; touches no stack while the gate is closed, and leaves it open.
;
; probe: EDX = the port 64h way (0) or the port 92h way (1). EAX = the high mark as seen with the gate closed, EBX = with it open again.
LOW_CODE equ 0x8000
MARK_HIGH equ 0x104500          ; not in this image's way: 4500h with bit 20 gone

section .rodata
probe:
    test edx, edx
    jnz .fast_off
.wait1:
    in al, STATUS
    test al, IBF
    jnz .wait1
    mov al, 0xD1                        ; write the output port: bit 1 is A20, bit 0 the reset line (must be 1)
    out STATUS, al
.wait2:
    in al, STATUS
    test al, IBF
    jnz .wait2
    mov al, 0xDD
    out DATA, al
.wait3:
    in al, STATUS
    test al, IBF
    jnz .wait3
.fast_off:
    in al, 0x92
    and al, ~3
    out 0x92, al
    mov esi, [MARK_HIGH]
    test edx, edx
    jnz .fast_on
.wait4:
    in al, STATUS
    test al, IBF
    jnz .wait4
    mov al, 0xD1
    out STATUS, al
.wait5:
    in al, STATUS
    test al, IBF
    jnz .wait5
    mov al, 0xDF
    out DATA, al
.wait6:
    in al, STATUS
    test al, IBF
    jnz .wait6
    jmp .look
.fast_on:
    in al, 0x92
    and al, ~1
    or al, 2
    out 0x92, al
.look:
    mov ebx, [MARK_HIGH]
    in al, 0x92                         ; and open by both ways for the rest
    and al, ~1
    or al, 2
    out 0x92, al
    mov eax, esi
    ret
.end:
section .text

a20:
    GROUP "A20 gate"
    mov esi, probe
    mov edi, LOW_CODE
    mov ecx, probe.end - probe
    cld
    rep movsb
    mov dword [MARK_HIGH], 0x11111111
    mov dword [MARK_HIGH & ~0x100000], 0x22222222
    EXPECT_EQ [MARK_HIGH], 0x11111111           ; open: two places
    xor edx, edx
    mov ecx, LOW_CODE
    call ecx
    EXPECT_EQ eax, 0x22222222                   ; closed: one
    EXPECT_EQ ebx, 0x11111111
    EXPECT_EQ [MARK_HIGH], 0x11111111
    ; the output port reads back what it is
    COMMAND 0xD0
    call receive
    and eax, 3
    EXPECT_EQ eax, 3
    in al, 0x92
    and eax, 2
    EXPECT_EQ eax, 2
    ret

KERNEL_END
