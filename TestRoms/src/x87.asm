; x87: the floating-point unit. Its environment and the save areas, loads and stores of every format, rounding and precision control,
; comparisons, stack faults, the six exceptions masked and unmasked, reported as #MF or through IRQ 13, and sample values of the
; transcendental functions.
;
; SDM volume 1 chapter 8, volume 2 for the instructions. Results are compared as 80-bit patterns; those of the transcendental functions
; as doubles, where an error of one ulp of the 80-bit result does not show (but for the rarest inputs).

%include "kernel.inc"

; control word
CW_MASKED   equ 0x3F
CW_RESERVED equ 0x40                ; reads as one
PC_24 equ 0 << 8
PC_53 equ 2 << 8
PC_64 equ 3 << 8
RC_NEAREST equ 0 << 10
RC_DOWN    equ 1 << 10
RC_UP      equ 2 << 10
RC_CHOP    equ 3 << 10
; status word
SW_IE equ 1
SW_DE equ 2
SW_ZE equ 4
SW_OE equ 8
SW_UE equ 16
SW_PE equ 32
SW_SF equ 64
SW_ES equ 128
SW_C0 equ 1 << 8
SW_C1 equ 1 << 9
SW_C2 equ 1 << 10
SW_C3 equ 1 << 14
SW_B  equ 1 << 15
SW_EXCEPTIONS equ 0xFF
SW_CC equ SW_C0 | SW_C1 | SW_C2 | SW_C3

section .bss
alignb 16
operand:    resb 16
result:     resb 16
area:       resb 512
area2:      resb 512
irqs:       resd 1
section .text

; CONTROL bits: precision, rounding, masks
%macro CONTROL 1
    push dword (%1) | CW_RESERVED
    fldcw [esp]
    add esp, 4
%endmacro
; LOAD80 exponent and sign, upper, lower mantissa; LOAD64; LOAD32
%macro LOAD80 3
    mov dword [operand], %3
    mov dword [operand + 4], %2
    mov word [operand + 8], %1
    fld tword [operand]
%endmacro
%macro LOAD64 2
    mov dword [operand], %2
    mov dword [operand + 4], %1
    fld qword [operand]
%endmacro
%macro LOAD32 1
    mov dword [operand], %1
    fld dword [operand]
%endmacro
; EXPECT_80 exponent, upper, lower: pops ST0 and compares its bits
%macro EXPECT_80 3.nolist
    fstp tword [result]
    push eax
    movzx eax, word [result + 8]
    EXPECT_EQ eax, %1
    pop eax
    EXPECT_EQ [result + 4], %2
    EXPECT_EQ [result], %3
%endmacro
; EXPECT_64 upper, lower: pops ST0 as a double
%macro EXPECT_64 2.nolist
    fstp qword [result]
    EXPECT_EQ [result + 4], %1
    EXPECT_EQ [result], %2
%endmacro
; EXPECT_SW value, mask
%macro EXPECT_SW 2.nolist
    push eax
    fnstsw ax
    movzx eax, ax
    and eax, %2
    EXPECT_EQ eax, %1
    pop eax
%endmacro
; EXPECT_TOP n: the stack pointer
%macro EXPECT_TOP 1.nolist
    EXPECT_SW (%1) << 11, 7 << 11
%endmacro
%define INDEFINITE 0xFFFF, 0xC0000000, 0
%define ONE 0x3FFF, 0x80000000, 0

main:
    mov eax, cr0
    and eax, ~(CR0_TS | CR0_EM)
    or eax, CR0_NE | CR0_MP
    mov cr0, eax
    call environment
    call constants
    call formats
    call rounding
    call precision
    call integers
    call bcd
    call compares
    call classes
    call stack_faults
    call masked_exceptions
    call unmasked_exceptions
    call denormals_and_nans
    call save_areas
    call registers
    call remainders
    call transcendentals
    call mmx_aliasing
    call irq13
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
environment:
    GROUP "FNINIT, control and status words"
    fninit
    fnstcw [result]
    movzx eax, word [result]
    EXPECT_EQ eax, 0x37F
    EXPECT_SW 0, 0xFFFF
    fnstenv [area]
    movzx eax, word [area + 8]
    EXPECT_EQ eax, 0xFFFF                       ; all empty
    CONTROL 0
    fnstcw [result]
    movzx eax, word [result]
    EXPECT_EQ eax, CW_RESERVED
    fninit
    fld1
    EXPECT_TOP 7
    fincstp
    EXPECT_TOP 0
    fdecstp
    fdecstp
    EXPECT_TOP 6
    fincstp
    ; FNSTENV masks all exceptions after it has stored; FLDENV brings them back
    CONTROL PC_64 | 0x3E
    fnstenv [area]
    fnstcw [result]
    movzx eax, word [result]
    EXPECT_EQ eax, 0x37F
    fldenv [area]
    fnstcw [result]
    movzx eax, word [result]
    EXPECT_EQ eax, PC_64 | CW_RESERVED | 0x3E
    fninit
    ret

constants:
    GROUP "constants"
    fninit
    fld1
    EXPECT_80 ONE
    fldz
    EXPECT_80 0, 0, 0
    fldpi
    EXPECT_80 0x4000, 0xC90FDAA2, 0x2168C235
    fldl2e
    EXPECT_80 0x3FFF, 0xB8AA3B29, 0x5C17F0BC
    fldl2t
    EXPECT_80 0x4000, 0xD49A784B, 0xCD1B8AFE
    fldlg2
    EXPECT_80 0x3FFD, 0x9A209A84, 0xFBCFF799
    fldln2
    EXPECT_80 0x3FFE, 0xB17217F7, 0xD1CF79AC
    ; they are rounded by RC, whatever PC says
    CONTROL CW_MASKED | PC_24 | RC_DOWN
    fldpi
    EXPECT_80 0x4000, 0xC90FDAA2, 0x2168C234
    CONTROL CW_MASKED | PC_64 | RC_UP
    fldl2t
    EXPECT_80 0x4000, 0xD49A784B, 0xCD1B8AFF
    ret

formats:
    GROUP "loads and stores"
    fninit
    LOAD32 0x3F800001
    EXPECT_80 0x3FFF, 0x80000100, 0
    LOAD64 0xC0000000, 0x00000001
    EXPECT_80 0xC000, 0x80000000, 0x00000800
    ; denormal operands become normal numbers, and set DE
    LOAD32 0x00000001                           ; 2^-149
    EXPECT_80 0x3F6A, 0x80000000, 0
    EXPECT_SW SW_DE, SW_EXCEPTIONS
    fnclex
    LOAD64 0, 1                                 ; 2^-1074
    EXPECT_80 0x3BCD, 0x80000000, 0
    EXPECT_SW SW_DE, SW_EXCEPTIONS
    fnclex
    ; an 80-bit load takes any bits and reports nothing
    LOAD80 0, 0, 1
    EXPECT_SW 0, SW_EXCEPTIONS
    EXPECT_80 0, 0, 1
    LOAD80 0x7FFF, 0x80000000, 1                ; a signalling NaN stays one
    EXPECT_80 0x7FFF, 0x80000000, 1
    ; from the short formats it is made quiet, with IE
    LOAD32 0x7F800001
    EXPECT_80 0x7FFF, 0xC0000100, 0
    EXPECT_SW SW_IE, SW_EXCEPTIONS
    fnclex
    ; narrowing: rounding, overflow, underflow
    fldpi
    fst dword [result]
    EXPECT_EQ [result], 0x40490FDB
    EXPECT_SW SW_PE | SW_C1, SW_EXCEPTIONS | SW_C1      ; C1: rounded up
    fnclex
    EXPECT_64 0x400921FB, 0x54442D18
    EXPECT_SW SW_PE, SW_EXCEPTIONS | SW_C1
    fnclex
    LOAD64 0x7FEFFFFF, 0xFFFFFFFF
    fst dword [result]
    EXPECT_EQ [result], 0x7F800000
    EXPECT_SW SW_PE | SW_OE | SW_C1, SW_EXCEPTIONS | SW_C1
    fnclex
    CONTROL CW_MASKED | PC_64 | RC_CHOP
    fstp dword [result]
    EXPECT_EQ [result], 0x7F7FFFFF              ; chopped, the largest number
    fninit
    LOAD64 0x36900000, 0                        ; 2^-150: half of the smallest float, a tie to even
    fst dword [result]
    EXPECT_EQ [result], 0
    EXPECT_SW SW_PE | SW_UE, SW_EXCEPTIONS
    fnclex
    LOAD64 0x36A00000, 0                        ; 2^-149: exact, so no underflow is reported while masked
    fst dword [result]
    EXPECT_EQ [result], 1
    EXPECT_SW 0, SW_EXCEPTIONS
    fninit
    ret

rounding:
    GROUP "rounding control"
    fninit
    ; 1/3 and -1/3 in four modes
%macro THIRD 3
    CONTROL CW_MASKED | PC_64 | %1
    fld1
    mov dword [operand], 3
    fidiv dword [operand]
    EXPECT_80 0x3FFD, 0xAAAAAAAA, %2
    fld1
    fchs
    fidiv dword [operand]
    EXPECT_80 0xBFFD, 0xAAAAAAAA, %3
%endmacro
    THIRD RC_NEAREST, 0xAAAAAAAB, 0xAAAAAAAB
    THIRD RC_DOWN, 0xAAAAAAAA, 0xAAAAAAAB
    THIRD RC_UP, 0xAAAAAAAB, 0xAAAAAAAA
    THIRD RC_CHOP, 0xAAAAAAAA, 0xAAAAAAAA
    ; C1 tells the direction
    CONTROL CW_MASKED | PC_64 | RC_NEAREST
    fld1
    fidiv dword [operand]
    EXPECT_SW SW_PE | SW_C1, SW_PE | SW_C1
    fstp st0
    CONTROL CW_MASKED | PC_64 | RC_DOWN
    fld1
    fidiv dword [operand]
    EXPECT_SW SW_PE, SW_PE | SW_C1
    fstp st0
    ; x - x is +0, but -0 when rounding down
    fninit
    fld1
    fsub st0, st0
    EXPECT_80 0, 0, 0
    CONTROL CW_MASKED | PC_64 | RC_DOWN
    fld1
    fsub st0, st0
    EXPECT_80 0x8000, 0, 0
    ; the square root of two
    CONTROL CW_MASKED | PC_64 | RC_NEAREST
    fld1
    fadd st0, st0
    fsqrt
    EXPECT_80 0x3FFF, 0xB504F333, 0xF9DE6484
    CONTROL CW_MASKED | PC_64 | RC_UP
    fld1
    fadd st0, st0
    fsqrt
    EXPECT_80 0x3FFF, 0xB504F333, 0xF9DE6485
    ; FRNDINT: ties to even
%macro ROUND 4
    CONTROL CW_MASKED | PC_64 | %1
    LOAD32 %2
    frndint
    fistp dword [result]
    EXPECT_EQ [result], %3
    LOAD32 (%2) | 0x80000000
    frndint
    fistp dword [result]
    EXPECT_EQ [result], %4
%endmacro
    ROUND RC_NEAREST, 0x40200000, 2, -2          ; 2.5
    ROUND RC_NEAREST, 0x40600000, 4, -4          ; 3.5
    ROUND RC_DOWN, 0x40200000, 2, -3
    ROUND RC_UP, 0x40200000, 3, -2
    ROUND RC_CHOP, 0x40600000, 3, -3
    fninit
    ret

precision:
    GROUP "precision control"
    fninit
    mov dword [operand], 3
    CONTROL CW_MASKED | PC_24
    fld1
    fidiv dword [operand]
    EXPECT_80 0x3FFD, 0xAAAAAB00, 0
    CONTROL CW_MASKED | PC_53
    fld1
    fidiv dword [operand]
    EXPECT_80 0x3FFD, 0xAAAAAAAA, 0xAAAAA800
    CONTROL CW_MASKED | PC_53 | RC_UP
    fld1
    fidiv dword [operand]
    EXPECT_80 0x3FFD, 0xAAAAAAAA, 0xAAAAB000
    ; of add, subtract, multiply, divide and square root only: not of loads, FCHS, FSCALE ...
    CONTROL CW_MASKED | PC_24
    fldpi
    fchs
    EXPECT_80 0xC000, 0xC90FDAA2, 0x2168C235
    ; ... and the exponent keeps its 15 bits: 2^1000 squared is no overflow at 24 bits
    LOAD64 0x7E700000, 0
    fmul st0, st0
    EXPECT_80 0x3FFF + 2000, 0x80000000, 0
    EXPECT_SW 0, SW_OE
    fninit
    ret

integers:
    GROUP "integers"
    fninit
    mov dword [operand], 0x80000000
    fild dword [operand]
    EXPECT_80 0xC01E, 0x80000000, 0
    mov word [operand], -3
    fild word [operand]
    EXPECT_80 0xC000, 0xC0000000, 0
    mov dword [operand], 0xFFFFFFFF
    mov dword [operand + 4], 0x7FFFFFFF
    fild qword [operand]
    EXPECT_80 0x403D, 0xFFFFFFFF, 0xFFFFFFFE
    ; out of range: the integer indefinite, IE
    LOAD64 0x41E00000, 0                        ; 2^31
    fist dword [result]
    EXPECT_EQ [result], 0x80000000
    EXPECT_SW SW_IE, SW_EXCEPTIONS
    fnclex
    fistp qword [result]
    EXPECT_EQ [result], 0x80000000
    EXPECT_EQ [result + 4], 0
    EXPECT_SW 0, SW_EXCEPTIONS
    LOAD64 0xC1E00000, 0                        ; -2^31 fits
    fistp dword [result]
    EXPECT_EQ [result], 0x80000000
    EXPECT_SW 0, SW_EXCEPTIONS
    LOAD32 0x47000000                           ; 32768
    mov dword [result], 0x12345678
    fistp word [result]
    EXPECT_EQ [result], 0x12348000
    EXPECT_SW SW_IE, SW_EXCEPTIONS
    fnclex
    LOAD32 0x46FFFF00                           ; 32767.5 rounds to 32768, which does not fit
    fistp word [result]
    EXPECT_SW SW_IE, SW_EXCEPTIONS
    fnclex
    LOAD80 INDEFINITE
    fistp qword [result]
    EXPECT_EQ [result + 4], 0x80000000
    EXPECT_SW SW_IE, SW_EXCEPTIONS
    fnclex
    LOAD32 0x3F000000                           ; 0.5
    fistp dword [result]
    EXPECT_EQ [result], 0
    EXPECT_SW SW_PE, SW_EXCEPTIONS
    fninit
    ret

bcd:
    GROUP "packed BCD"
    fninit
    mov dword [operand], 0x56789012
    mov dword [operand + 4], 0x78901234
    mov word [operand + 8], 0x8056
    fbld [operand]                              ; -567890123456789012
    fist dword [result]
    fnclex
    fbstp [area]
    EXPECT_EQ [area], 0x56789012
    EXPECT_EQ [area + 4], 0x78901234
    movzx eax, word [area + 8]
    EXPECT_EQ eax, 0x8056
    LOAD32 0x40200000                           ; 2.5: rounded to 2
    fbstp [area]
    EXPECT_EQ [area], 2
    EXPECT_SW SW_PE, SW_EXCEPTIONS
    fnclex
    LOAD80 0x403A, 0xDE0B6B3A, 0x76400000       ; 10^18: nineteen digits
    fbstp [area]
    movzx eax, word [area + 8]
    EXPECT_EQ eax, 0xFFFF
    EXPECT_EQ [area + 4], 0xC0000000
    EXPECT_EQ [area], 0
    EXPECT_SW SW_IE, SW_EXCEPTIONS
    fninit
    ret

; COMPARE a, b (floats), condition codes, instruction
%macro COMPARE 4+.nolist
    LOAD32 %2
    LOAD32 %1
    fnclex
    %4
    EXPECT_SW %3, SW_C0 | SW_C2 | SW_C3
    ffree st0
    ffree st1
    fninit
%endmacro
QNAN32 equ 0x7FC00000
compares:
    GROUP "comparisons"
    fninit
    COMPARE 0x40000000, 0x3F800000, 0, fcom st1
    COMPARE 0x3F800000, 0x40000000, SW_C0, fcom st1
    COMPARE 0x3F800000, 0x3F800000, SW_C3, fcom st1
    COMPARE 0x80000000, 0x00000000, SW_C3, fcom st1                 ; -0 = +0
    COMPARE QNAN32, 0x00000000, SW_C0 | SW_C2 | SW_C3, fcom st1
    COMPARE 0x3F800000, 0x40000000, SW_C0, fcompp
    COMPARE 0x3F800000, QNAN32, SW_C0 | SW_C2 | SW_C3, fucompp
    COMPARE 0xBF800000, 0x00000000, SW_C0, ftst
    ; FCOM is invalid for any NaN, FUCOM for signalling ones only
    LOAD32 QNAN32
    fld1
    fnclex
    fucom st1
    EXPECT_SW 0, SW_EXCEPTIONS
    fcom st1
    EXPECT_SW SW_IE, SW_EXCEPTIONS
    fninit
    LOAD80 0x7FFF, 0x80000000, 1
    fld1
    fucom st1
    EXPECT_SW SW_IE, SW_EXCEPTIONS
    fninit
    ; the P6 forms write EFLAGS: ZF PF CF, and clear OF SF AF
    mov dword [operand], 2
    fild dword [operand]
    fld1
    mov eax, 0x7FFFFFFF
    add eax, 1                                  ; OF SF AF
    fcomi st0, st1
    EXPECT_FLAGS FL_CF
    fxch
    fcomi st0, st1
    EXPECT_FLAGS 0
    fucomi st0, st0
    EXPECT_FLAGS FL_ZF
    LOAD32 QNAN32
    fnclex
    fucomip st0, st1
    EXPECT_FLAGS FL_ZF | FL_PF | FL_CF
    EXPECT_SW 0, SW_EXCEPTIONS
    EXPECT_TOP 6
    ; FCMOVcc
    cmp eax, eax
    fcmovne st0, st1
    fist dword [result]
    EXPECT_EQ [result], 2
    fcmove st0, st1
    fist dword [result]
    EXPECT_EQ [result], 1
    fninit
    ret

; CLASS condition codes
%macro CLASS 1.nolist
    fxam
    EXPECT_SW %1, SW_CC
    fstp st0
%endmacro
classes:
    GROUP "FXAM"
    fninit
    fxam                                        ; empty
    EXPECT_SW SW_C3 | SW_C0, SW_C0 | SW_C2 | SW_C3
    fld1
    CLASS SW_C2
    fld1
    fchs
    CLASS SW_C2 | SW_C1
    fldz
    CLASS SW_C3
    fldz
    fchs
    CLASS SW_C3 | SW_C1
    LOAD80 0x7FFF, 0x80000000, 0
    CLASS SW_C2 | SW_C0
    LOAD80 0xFFFF, 0xC0000000, 0
    CLASS SW_C0 | SW_C1
    LOAD80 0, 0x00000001, 0
    CLASS SW_C3 | SW_C2
    LOAD80 0x3FFF, 0x7FFFFFFF, 0                ; an unnormal: unsupported
    CLASS 0
    fninit
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
stack_faults:
    GROUP "stack overflow and underflow"
    ; underflow: IE and SF, C1 = 0, the indefinite as operand
    fninit
    fadd st0, st1
    EXPECT_SW SW_IE | SW_SF, SW_EXCEPTIONS | SW_C1
    EXPECT_80 INDEFINITE
    ; overflow: C1 = 1; the indefinite is what gets pushed
    fninit
%rep 8
    fld1
%endrep
    EXPECT_SW 0, SW_EXCEPTIONS
    fldpi
    EXPECT_SW SW_IE | SW_SF | SW_C1, SW_EXCEPTIONS | SW_C1
    EXPECT_TOP 7
    EXPECT_80 INDEFINITE
    ; a store from an empty register
    fninit
    fst dword [result]
    EXPECT_EQ [result], 0xFFC00000
    EXPECT_SW SW_IE | SW_SF, SW_EXCEPTIONS | SW_C1
    fninit
    fistp word [result]
    movzx eax, word [result]
    EXPECT_EQ eax, 0x8000
    EXPECT_TOP 1                                ; masked, it pops all the same
    ; FXCH with an empty register fills it
    fninit
    fld1
    fxch st1
    EXPECT_SW SW_IE | SW_SF, SW_EXCEPTIONS | SW_C1
    EXPECT_80 INDEFINITE
    EXPECT_80 ONE
    ; unmasked: nothing happens but the flags, and #MF comes with the next instruction
    fninit
    CONTROL PC_64 | 0x3E
    mov dword [result], 0x12345678
    fst dword [result]
    EXPECT_EQ [result], 0x12345678
    EXPECT_SW SW_IE | SW_SF | SW_ES | SW_B, SW_EXCEPTIONS | SW_B
    FAULTS VEC_MF, 0, fld1
    fninit
    CONTROL PC_64 | 0x3E
%rep 8
    fld1
%endrep
    fldpi
    EXPECT_TOP 0
    EXPECT_SW SW_IE | SW_SF | SW_ES | SW_C1, SW_EXCEPTIONS | SW_C1
    fnclex
    EXPECT_80 ONE
    fninit
    ret

masked_exceptions:
    GROUP "masked exceptions"
    ; zero divide
    fninit
    fldz
    fld1
    fdiv st0, st1
    EXPECT_SW SW_ZE, SW_EXCEPTIONS
    EXPECT_80 0x7FFF, 0x80000000, 0
    ; 0/0, inf - inf, 0 * inf, sqrt(-1): invalid
    fninit
    fldz
    fdiv st0, st0
    EXPECT_SW SW_IE, SW_EXCEPTIONS
    EXPECT_80 INDEFINITE
    fninit
    LOAD32 0x7F800000
    fsub st0, st0
    EXPECT_SW SW_IE, SW_EXCEPTIONS
    EXPECT_80 INDEFINITE
    fninit
    LOAD32 0x7F800000
    fldz
    fmulp st1, st0
    EXPECT_SW SW_IE, SW_EXCEPTIONS
    EXPECT_80 INDEFINITE
    fninit
    fld1
    fchs
    fsqrt
    EXPECT_SW SW_IE, SW_EXCEPTIONS
    EXPECT_80 INDEFINITE
    fldz
    fchs
    fsqrt                                       ; -0 is fine
    EXPECT_80 0x8000, 0, 0
    ; overflow: infinity, or the largest number when rounded towards zero
    fninit
    LOAD80 0x7FFE, 0xFFFFFFFF, 0xFFFFFFFF
    fadd st0, st0
    EXPECT_SW SW_OE | SW_PE | SW_C1, SW_EXCEPTIONS | SW_C1
    EXPECT_80 0x7FFF, 0x80000000, 0
    CONTROL CW_MASKED | PC_64 | RC_CHOP
    LOAD80 0x7FFE, 0xFFFFFFFF, 0xFFFFFFFF
    fadd st0, st0
    EXPECT_80 0x7FFE, 0xFFFFFFFF, 0xFFFFFFFF
    ; underflow: a denormal result; exact ones report nothing
    fninit
    LOAD80 1, 0x80000000, 0                     ; the smallest normal number
    LOAD32 0x3F000000
    fmulp st1, st0
    EXPECT_SW 0, SW_EXCEPTIONS
    EXPECT_80 0, 0x40000000, 0
    LOAD80 1, 0x80000000, 1
    LOAD32 0x3F000000
    fmulp st1, st0
    EXPECT_SW SW_UE | SW_PE, SW_EXCEPTIONS
    EXPECT_80 0, 0x40000000, 0                  ; a tie, to even
    fninit
    ret

unmasked_exceptions:
    GROUP "unmasked exceptions"
    ; invalid, zero divide, denormal: the operands stay as they were
    fninit
    CONTROL PC_64 | 0x3B                        ; zero divide unmasked
    fldz
    fld1
    fdivrp st1, st0                             ; ST1 = ST0 / ST1 ... would pop
    EXPECT_TOP 6
    EXPECT_SW SW_ZE | SW_ES | SW_B, SW_EXCEPTIONS | SW_B
    FAULTS VEC_MF, 0, wait
    FAULTS VEC_MF, 0, fadd st0, st1
    fnclex
    RUNS wait
    EXPECT_80 ONE
    EXPECT_80 0, 0, 0
    ; to memory: nothing is stored
    CONTROL PC_64 | 0x3E
    LOAD64 0x41E00000, 0
    mov dword [result], 0x12345678
    fistp dword [result]
    EXPECT_EQ [result], 0x12345678
    EXPECT_TOP 7
    fnclex
    fninit
    ; overflow and underflow, unmasked: the result is stored, scaled by 2^24576 down or up
    CONTROL PC_64 | 0x37
    LOAD80 0x7FFE, 0x80000000, 0
    fadd st0, st0
    EXPECT_SW SW_OE | SW_ES | SW_B, SW_EXCEPTIONS | SW_B
    fnclex
    EXPECT_80 0x7FFF - 0x6000, 0x80000000, 0
    CONTROL PC_64 | 0x2F
    LOAD80 1, 0x80000000, 0
    LOAD32 0x3F000000
    fmulp st1, st0
    EXPECT_SW SW_UE | SW_ES | SW_B, SW_EXCEPTIONS | SW_B
    fnclex
    EXPECT_80 0x6000, 0x80000000, 0
    ; overflow on the way to memory: nothing is stored, nothing popped
    fninit
    CONTROL PC_64 | 0x37
    LOAD64 0x7FE00000, 0
    mov dword [result], 0x12345678
    fstp dword [result]
    EXPECT_EQ [result], 0x12345678
    EXPECT_TOP 7
    fnclex
    ; precision: the result is there and rounded
    fninit
    CONTROL PC_64 | 0x1F
    fld1
    mov dword [operand], 3
    fidiv dword [operand]
    EXPECT_SW SW_PE | SW_ES | SW_B | SW_C1, SW_EXCEPTIONS | SW_B | SW_C1
    fnclex
    EXPECT_80 0x3FFD, 0xAAAAAAAA, 0xAAAAAAAB
    ; unmasking a flag that is already set reports it, masking it takes it back
    fninit
    fldz
    fld1
    fdiv st0, st1
    RUNS wait
    CONTROL PC_64 | 0x3B
    EXPECT_SW SW_ZE | SW_ES | SW_B, SW_EXCEPTIONS | SW_B
    FAULTS VEC_MF, 0, wait
    fnstenv [area]
    or word [area], 4
    fldenv [area]
    EXPECT_SW SW_ZE, SW_EXCEPTIONS | SW_B
    RUNS wait
    fninit
    ret

denormals_and_nans:
    GROUP "NaN operands"
    ; two NaNs: the one with the larger significand
    fninit
    LOAD80 0x7FFF, 0xC0000000, 5
    LOAD80 0xFFFF, 0xC0000000, 9
    faddp st1, st0
    EXPECT_80 0xFFFF, 0xC0000000, 9
    EXPECT_SW 0, SW_EXCEPTIONS
    ; signalling and quiet: the quiet one, and invalid
    LOAD80 0x7FFF, 0xC0000000, 5
    LOAD80 0x7FFF, 0xA0000000, 9
    fmulp st1, st0
    EXPECT_80 0x7FFF, 0xC0000000, 5
    EXPECT_SW SW_IE, SW_EXCEPTIONS
    fnclex
    ; signalling and a number: made quiet
    LOAD80 0x7FFF, 0xA0000000, 9
    fld1
    faddp st1, st0
    EXPECT_80 0x7FFF, 0xE0000000, 9
    EXPECT_SW SW_IE, SW_EXCEPTIONS
    fnclex
    ; an unnormal is an invalid operand
    LOAD80 0x3FFF, 0x40000000, 0
    fld1
    faddp st1, st0
    EXPECT_80 INDEFINITE
    EXPECT_SW SW_IE, SW_EXCEPTIONS
    fnclex
    ; a denormal operand: DE; a pseudo-denormal counts as the number that it is
    LOAD80 0, 0x40000000, 0
    fld1
    faddp st1, st0
    EXPECT_SW SW_DE | SW_PE, SW_EXCEPTIONS
    fninit
    ; FCHS and FABS are never invalid
    LOAD80 0x7FFF, 0xA0000000, 9
    fchs
    EXPECT_80 0xFFFF, 0xA0000000, 9
    EXPECT_SW 0, SW_EXCEPTIONS
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
save_areas:
    GROUP "FSAVE, FSTENV, FXSAVE layouts"
    fninit
    fldz
    fldpi
    fld1                                        ; TOP = 5: R5 = 1, R6 = pi, R7 = 0
.last:
    fld qword [.number]                         ; TOP = 4
    fnsave [area]
    movzx eax, word [area]
    EXPECT_EQ eax, 0x37F
    movzx eax, word [area + 4]
    EXPECT_EQ eax, 4 << 11
    movzx eax, word [area + 8]
    EXPECT_EQ eax, 0b01_00_00_00_11111111       ; R7 zero, R6 R5 R4 valid
    EXPECT_EQ [area + 12], .last                ; FIP
    EXPECT_EQ [area + 20], .number              ; FDP
    ; registers in stack order: ST0 first
    movzx eax, word [area + 28 + 8]
    EXPECT_EQ eax, 0x4000
    EXPECT_EQ [area + 28 + 4], 0x90000000       ; 2.25
    EXPECT_EQ [area + 28 + 10 + 4], 0x80000000  ; 1
    EXPECT_EQ [area + 28 + 20 + 4], 0xC90FDAA2
    EXPECT_EQ [area + 28 + 30 + 4], 0
    ; the FPU is initialised by it
    EXPECT_SW 0, 0xFFFF
    frstor [area]
    EXPECT_TOP 4
    ; the 16-bit form: seven words
    o16 fnstenv [area2]
    movzx eax, word [area2]
    EXPECT_EQ eax, 0x37F
    movzx eax, word [area2 + 2]
    EXPECT_EQ eax, 4 << 11
    movzx eax, word [area2 + 4]
    EXPECT_EQ eax, 0b01_00_00_00_11111111
    movzx eax, word [area2 + 6]
    EXPECT_EQ eax, (.last - image_start) & 0xFFFF       ; the image begins at a multiple of 64 KiB
    ; FXSAVE: tags as one bit a register, ST in 16-byte slots
    mov eax, cr4
    or eax, CR4_OSFXSR
    mov cr4, eax
    fxsave [area2]
    movzx eax, word [area2]
    EXPECT_EQ eax, 0x37F
    movzx eax, word [area2 + 2]
    EXPECT_EQ eax, 4 << 11
    movzx eax, byte [area2 + 4]
    EXPECT_EQ eax, 0xF0
    EXPECT_EQ [area2 + 8], .last
    EXPECT_EQ [area2 + 32 + 4], 0x90000000
    EXPECT_EQ [area2 + 48 + 4], 0x80000000
    ; it does not initialise anything
    EXPECT_TOP 4
    fninit
    fxrstor [area2]
    EXPECT_TOP 4
    fstp st0
    EXPECT_80 ONE
    ; tags are computed from the values when they are stored
    fnstenv [area]
    movzx eax, word [area + 8]
    EXPECT_EQ eax, 0b01_00_11_11_11111111
    ; and a tag that is loaded matters for empty or not only
    mov word [area + 8], 0b10_10_11_11_11111111
    fldenv [area]
    fnstenv [area]
    movzx eax, word [area + 8]
    EXPECT_EQ eax, 0b01_00_11_11_11111111
    fninit
    ret
section .rodata
align 8
.number: dq 2.25
section .text

registers:
    GROUP "FXCH, FFREE, FSCALE, FXTRACT"
    fninit
    fld1
    fldpi
    fxch
    EXPECT_80 ONE
    EXPECT_80 0x4000, 0xC90FDAA2, 0x2168C235
    fld1
    ffree st0
    fxam
    EXPECT_SW SW_C3 | SW_C0, SW_C0 | SW_C2 | SW_C3
    EXPECT_TOP 7
    fninit
    ; FSCALE: truncates the scale
    LOAD32 0x40700000                           ; 3.75
    fldpi
    fscale
    EXPECT_80 0x4003, 0xC90FDAA2, 0x2168C235
    fstp st0
    ; FXTRACT: exponent below, significand on top
    LOAD32 0xC1400000                           ; -12
    fxtract
    EXPECT_80 0xBFFF, 0xC0000000, 0
    EXPECT_80 0x4000, 0xC0000000, 0
    fldz
    fxtract
    EXPECT_SW SW_ZE, SW_EXCEPTIONS
    EXPECT_80 0, 0, 0
    EXPECT_80 0xFFFF, 0x80000000, 0
    fninit
    ret

remainders:
    GROUP "FPREM, FPREM1"
    fninit
    mov dword [operand + 12], 7
    mov dword [operand], 100
    fild dword [operand + 12]
    fild dword [operand]
    fprem                                       ; 100 = 14 * 7 + 2: quotient bits 110b: C0 = Q2, C3 = Q1, C1 = Q0
    EXPECT_SW SW_C0 | SW_C3, SW_CC
    fistp dword [result]
    EXPECT_EQ [result], 2
    mov dword [operand], 104
    fild dword [operand]
    fprem1                                      ; 104 = 15 * 7 - 1
    EXPECT_SW SW_C0 | SW_C3 | SW_C1, SW_CC
    fistp dword [result]
    EXPECT_EQ [result], -1
    mov dword [operand], -100
    fild dword [operand]
    fprem                                       ; the sign of the dividend
    fistp dword [result]
    EXPECT_EQ [result], -2
    ; far apart: incomplete, C2 set, to be repeated
    LOAD80 0x3FFF + 200, 0x80000000, 0
    mov ecx, 20
.again:
    fprem
    fnstsw ax
    test ax, SW_C2
    loopnz .again
    EXPECT_SW 0, SW_C2
    fistp dword [result]
    EXPECT_EQ [result], 4                       ; 2^200 mod 7: 200 = 2 mod 3
    cmp ecx, 19
    setb al
    movzx eax, al
    EXPECT_EQ eax, 1                            ; more than one step
    fninit
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
transcendentals:
    GROUP "transcendental functions"
    fninit
    fld1
    fsin
    EXPECT_64 0x3FEAED54, 0x8F090CEE
    fld1
    fcos
    EXPECT_64 0x3FE14A28, 0x0FB5068C
    fld1
    fsincos
    EXPECT_64 0x3FE14A28, 0x0FB5068C
    EXPECT_64 0x3FEAED54, 0x8F090CEE
    mov dword [operand], 100
    fild dword [operand]
    fsin
    EXPECT_64 0xBFE03425, 0xB78C4DB8
    mov dword [operand], -2
    fild dword [operand]
    fcos
    EXPECT_64 0xBFDAA226, 0x57537205
    LOAD32 0x3F000000
    fptan                                       ; pushes a one
    EXPECT_80 ONE
    EXPECT_64 0x3FE17B4F, 0x5BF3474A
    fld1
    mov dword [operand], 3
    fild dword [operand]
    fpatan                                      ; atan2(1, 3)
    EXPECT_64 0x3FD4978F, 0xA3269EE1
    fld1
    fld1
    fchs
    fpatan                                      ; atan2(1, -1): the second quadrant
    EXPECT_64 0x4002D97C, 0x7F3321D2
    LOAD32 0x3F000000
    f2xm1
    EXPECT_64 0x3FDA8279, 0x99FCEF32
    fld1
    mov dword [operand], 10
    fild dword [operand]
    fyl2x
    EXPECT_64 0x400A934F, 0x0979A371
    mov dword [operand], 3
    fild dword [operand]
    mov dword [operand], 5
    fild dword [operand]
    fyl2x
    EXPECT_64 0x401BDCF6, 0x8E36752A
    fld1
    LOAD32 0x3E800000                           ; 0.25
    fyl2xp1
    EXPECT_64 0x3FD49A78, 0x4BCD1B8B
    ; exact and special arguments
    fldz
    fsin
    EXPECT_80 0, 0, 0
    fldz
    fcos
    EXPECT_80 ONE
    fld1
    f2xm1
    EXPECT_80 ONE
    fld1
    mov dword [operand], 1024
    fild dword [operand]
    fyl2x
    EXPECT_80 0x4002, 0xA0000000, 0             ; exactly 10
    ; beyond 2^63: out of range, C2 set, operand unchanged
    fninit
    LOAD80 0x403E, 0x80000000, 0
    fsin
    EXPECT_SW SW_C2, SW_C2
    EXPECT_80 0x403E, 0x80000000, 0
    fld1
    fsin
    EXPECT_SW 0, SW_C2
    fstp st0
    LOAD32 0x7F800000
    fcos
    EXPECT_SW SW_IE, SW_IE
    EXPECT_80 INDEFINITE
    fninit
    fld1
    fldz
    fyl2x                                       ; log2 0
    EXPECT_SW SW_ZE, SW_EXCEPTIONS
    EXPECT_80 0xFFFF, 0x80000000, 0
    fninit
    ret

mmx_aliasing:
    GROUP "MMX registers are the x87 registers"
    fninit
    fld1
    fldpi
    mov dword [operand], 0x11223344
    mov dword [operand + 4], 0x55667788
    movq mm0, [operand]
    ; any MMX instruction makes TOP 0 and all tags valid; a write makes the exponent all ones
    fnstenv [area]
    movzx eax, word [area + 4]
    and eax, 7 << 11
    EXPECT_EQ eax, 0
    fnsave [area]
    EXPECT_EQ [area + 28], 0x11223344
    EXPECT_EQ [area + 28 + 4], 0x55667788
    movzx eax, word [area + 28 + 8]
    EXPECT_EQ eax, 0xFFFF
    movzx eax, word [area + 28 + 70 + 8]        ; R7 is still 1.0
    EXPECT_EQ eax, 0x3FFF
    frstor [area]
    movd eax, mm0
    EXPECT_EQ eax, 0x11223344
    emms
    fnstenv [area]
    movzx eax, word [area + 8]
    EXPECT_EQ eax, 0xFFFF
    fninit
    ret

irq13:
    GROUP "errors through IRQ 13"
    ; With CR0.NE clear the FPU pulls FERR#, which a PC wires to IRQ 13; the next waiting instruction waits for the interrupt. A write to
    ; port F0h drops the request (and IGNNE# lets the handler use the FPU).
    mov al, 0x11
    out 0x20, al
    out 0xA0, al
    mov al, 0x50
    out 0x21, al
    mov al, 0x58
    out 0xA1, al
    mov al, 4
    out 0x21, al
    mov al, 2
    out 0xA1, al
    mov al, 1
    out 0x21, al
    out 0xA1, al
    mov al, 0xFB
    out 0x21, al
    mov al, 0xDF
    out 0xA1, al
    mov dword [hooks + 0x5D * 4], .handler
    mov eax, cr0
    and eax, ~CR0_NE
    mov cr0, eax
    mov dword [irqs], 0
    fninit
    CONTROL PC_64 | 0x3B
    fldz
    fld1
    sti
    fdiv st0, st1                               ; raises the error ...
    fld1                                        ; ... which is reported here
    cli
    EXPECT_EQ [irqs], 1
    fninit
    mov eax, cr0
    or eax, CR0_NE
    mov cr0, eax
    mov al, 0xFF
    out 0x21, al
    out 0xA1, al
    ret
.handler:
    inc dword [irqs]
    xor al, al
    out 0xF0, al
    fnclex
    mov al, 0x20
    out 0xA0, al
    out 0x20, al
    ret

KERNEL_END
