; divide: the edges of DIV, IDIV and AAM. The quotient of the most negative number by -1 does not fit, and division by zero has no
; quotient: both are #DE, a fault, with every register and flag-independent state as before the instruction. An emulator that lets its
; host's divide instruction find out dies here (QEMU 7.2 TCG ends with SIGFPE).

%include "kernel.inc"

; DIVIDES op, high:low, divisor, quotient, remainder: 32-bit operands
%macro DIVIDES 6.nolist
    mov edx, %2
    mov eax, %3
    mov ebx, %4
    TRY
    %1 ebx
    END_TRY
    EXPECT_EQ [caught.vector], VEC_NONE
    EXPECT_EQ eax, %5
    EXPECT_EQ edx, %6
%endmacro

%macro OVERFLOWS 4.nolist
    mov edx, %2
    mov eax, %3
    mov ebx, %4
    FAULTS VEC_DE, 0, %1 ebx
    EXPECT_EQ eax, %3
    EXPECT_EQ edx, %2
%endmacro

; The same for DX:AX / BX and AX / BL, by register contents
%macro OVERFLOWS_16 4.nolist
    mov edx, 0xAAAA0000 | %2
    mov eax, 0xBBBB0000 | %3
    mov bx, %4
    FAULTS VEC_DE, 0, %1 bx
    EXPECT_EQ eax, 0xBBBB0000 | %3
    EXPECT_EQ edx, 0xAAAA0000 | %2
%endmacro
%macro OVERFLOWS_8 3.nolist
    mov eax, 0xBBBB0000 | %2
    mov bl, %3
    FAULTS VEC_DE, 0, %1 bl
    EXPECT_EQ eax, 0xBBBB0000 | %2
%endmacro

main:
    GROUP "unsigned"
    DIVIDES div, 0, 7, 2, 3, 1
    DIVIDES div, 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFE
    DIVIDES div, 0, 0xFFFFFFFF, 1, 0xFFFFFFFF, 0
    OVERFLOWS div, 0, 0, 0
    OVERFLOWS div, 1, 0, 1
    OVERFLOWS div, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF
    OVERFLOWS_16 div, 1, 0, 1
    OVERFLOWS_16 div, 0, 0x1234, 0
    OVERFLOWS_8 div, 0x0100, 1
    OVERFLOWS_8 div, 0xFFFF, 0xFF

    GROUP "signed"
    DIVIDES idiv, -1, -7, 2, -3, -1                 ; truncation towards zero
    DIVIDES idiv, 0, 7, -2, -3, 1
    DIVIDES idiv, -1, -7, -2, 3, -1
    DIVIDES idiv, -1, 0x80000000, 1, 0x80000000, 0  ; the most negative quotient fits
    DIVIDES idiv, 0, 0x7FFFFFFF, 1, 0x7FFFFFFF, 0
    DIVIDES idiv, -1, 0, 2, 0x80000000, 0           ; -2^32 / 2
    OVERFLOWS idiv, 1, 0, 2                         ; 2^32 / 2 does not fit
    OVERFLOWS idiv, -1, 0x80000000, -1              ; -2^31 / -1
    OVERFLOWS idiv, 0x80000000, 0, -1               ; -2^63 / -1: overflows even a 64-bit host division
    OVERFLOWS idiv, 0x80000000, 0, 1
    OVERFLOWS idiv, 0, 0, 0
    OVERFLOWS_16 idiv, 0xFFFF, 0x8000, -1
    OVERFLOWS_16 idiv, 0x8000, 0, -1                ; overflows a 32-bit host division
    OVERFLOWS_16 idiv, 0, 0x8000, 1
    OVERFLOWS_8 idiv, 0xFF80, -1
    OVERFLOWS_8 idiv, 0x8000, -1
    OVERFLOWS_8 idiv, 0x0080, 1
    mov eax, 0xFF80
    mov bl, 1
    RUNS idiv bl
    movzx eax, ax
    EXPECT_EQ eax, 0x0080

    GROUP "AAM, AAD"
    mov eax, 0x12345678
    FAULTS VEC_DE, 0, aam 0
    EXPECT_EQ eax, 0x12345678
    mov al, 0xFF
    aam 1
    movzx eax, ax
    EXPECT_EQ eax, 0xFF00
    mov ax, 0x0507
    aad 0
    EXPECT_FLAGS 0, FL_ZF | FL_SF | FL_PF
    movzx eax, ax
    EXPECT_EQ eax, 7
    mov ax, 0xFFFF
    aad 0xFF                                        ; AL = FFh * FFh + FFh, eight bits of it
    EXPECT_FLAGS FL_ZF | FL_PF, FL_ZF | FL_SF | FL_PF
    movzx eax, ax
    EXPECT_EQ eax, 0

    GROUP "the fault is restartable"
    ; A handler repairs the divisor and returns to the instruction, which then completes.
    mov dword [hooks + VEC_DE * 4], .repair
    mov dword [divisor], 0
    xor edx, edx
    mov eax, 100
    div dword [divisor]
    EXPECT_EQ eax, 20
    mov dword [hooks + VEC_DE * 4], 0
    ret
.repair:
    mov dword [divisor], 5
    ret

section .bss
divisor: resd 1

KERNEL_END
