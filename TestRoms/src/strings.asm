; strings: the string instructions where they are interesting: at page ends. All seven, in all sizes and both directions, with the fault
; in the middle of a REP: ECX, ESI and EDI must tell exactly how far it came, what was done must be done, what was not must not, and
; after the repair the instruction must go on from there. Also overlap, prefixes, 16-bit addresses, segment limits in the middle.
;
; SDM volume 2, REP; volume 1 7.3.9.

%include "kernel.inc"
%include "paging.inc"

; The pages: for faults in the source, S1 is taken away (upwards) or S0 (downwards); for the destination D1 or D0.
S_LO equ TEST_PAGES + 0x10000
S_HI equ S_LO + PAGE
D_LO equ TEST_PAGES + 0x20000
D_HI equ D_LO + PAGE
SX   equ SEL_FREE

main:
    call setup_paging
    call fill_source
    call mid_faults
    call restarts
    call counts_and_prefixes
    call overlap
    call compare_scan
    call sixteen_bit_addresses
    call segments
    ret

; fill_source: byte i of the source pages is i * 7 + 3
fill_source:
    mov edi, S_LO
    mov ecx, 2 * PAGE
    mov al, 3
    cld
.next:
    stosb
    add al, 7
    loop .next
    ret

clear_destination:
    pushad
    cld
    mov edi, D_LO
    mov ecx, 2 * PAGE / 4
    xor eax, eax
    rep stosd
    popad
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
; MIDDLE mnemonic, size, direction, missing page, ESI, EDI, error, CR2, done: runs `rep mnemonic` with ECX = 8 and the page missing,
; and expects the fault after `done` elements. ESI and EDI are checked only as far as the instruction moves them (the last two
; arguments are 1 or 0 for "moves ESI", "moves EDI").
%macro MIDDLE 11.nolist
    SET_PAGE %4, 0
    mov eax, 0x5A5A5A5A
    mov ecx, 8
    mov esi, %5
    mov edi, %6
    mov edx, 0x80
    %3
    TRY
%%at:
    rep %1
    END_TRY
    cld
    SET_PAGE %4, PAGE_RW
    EXPECT_FAULT VEC_PF, %7, %%at
    EXPECT_EQ [caught.cr2], %8
    EXPECT_EQ ecx, 8 - %9
    %ifidn %3, cld
    EXPECT_EQ esi, %5 + %9 * %2 * %10
    EXPECT_EQ edi, %6 + %9 * %2 * %11
    %else
    EXPECT_EQ esi, %5 - %9 * %2 * %10
    EXPECT_EQ edi, %6 - %9 * %2 * %11
    %endif
%endmacro

; For every instruction: upwards aligned, downwards aligned, upwards with the element across the boundary, downwards across. The pointer
; that is not under test stays in the other side's low page.
%macro FOUR_SOURCE 4.nolist             ; mnemonic, size, moves ESI, moves EDI; the source crosses; D side is all present
    MIDDLE %1, %2, cld, S_HI, S_HI - 3 * %2, D_LO + 0x100, 0, S_HI, 3, %3, %4
    MIDDLE %1, %2, std, S_LO, S_HI + 2 * %2, D_LO + 0x100, 0, S_HI - %2, 3, %3, %4
    %if %2 > 1
    MIDDLE %1, %2, cld, S_HI, S_HI - 3 * %2 - 1, D_LO + 0x100, 0, S_HI, 3, %3, %4
    MIDDLE %1, %2, std, S_LO, S_HI + 2 * %2 - 1, D_LO + 0x100, 0, S_HI - 1, 2, %3, %4
    %endif
%endmacro
%macro FOUR_DESTINATION 5.nolist        ; mnemonic, size, moves ESI, moves EDI, error code
    MIDDLE %1, %2, cld, D_HI, S_LO + 0x100, D_HI - 3 * %2, %5, D_HI, 3, %3, %4
    MIDDLE %1, %2, std, D_LO, S_LO + 0x100, D_HI + 2 * %2, %5, D_HI - %2, 3, %3, %4
    %if %2 > 1
    MIDDLE %1, %2, cld, D_HI, S_LO + 0x100, D_HI - 3 * %2 - 1, %5, D_HI, 3, %3, %4
    MIDDLE %1, %2, std, D_LO, S_LO + 0x100, D_HI + 2 * %2 - 1, %5, D_HI - 1, 2, %3, %4
    %endif
%endmacro

mid_faults:
    GROUP "MOVS: fault in the source"
    FOUR_SOURCE movsb, 1, 1, 1
    FOUR_SOURCE movsw, 2, 1, 1
    FOUR_SOURCE movsd, 4, 1, 1
    GROUP "MOVS: fault in the destination"
    FOUR_DESTINATION movsb, 1, 1, 1, PF_W
    FOUR_DESTINATION movsw, 2, 1, 1, PF_W
    FOUR_DESTINATION movsd, 4, 1, 1, PF_W
    ; three elements were copied, and no byte more
    call clear_destination
    MIDDLE movsd, 4, cld, D_HI, S_LO, D_HI - 12, PF_W, D_HI, 3, 1, 1
    EXPECT_EQ [D_HI - 16], 0
    mov eax, [S_LO]
    EXPECT_EQ [D_HI - 12], eax
    mov eax, [S_LO + 8]
    EXPECT_EQ [D_HI - 4], eax
    EXPECT_EQ [D_HI], 0
    ; the element that crosses is not written at all
    call clear_destination
    MIDDLE movsd, 4, cld, D_HI, S_LO, D_HI - 13, PF_W, D_HI, 3, 1, 1
    movzx eax, byte [D_HI - 1]
    EXPECT_EQ eax, 0
    ; both sides missing: the source is read first
    SET_PAGE D_HI, 0
    MIDDLE movsb, 1, cld, S_HI, S_HI - 3, D_HI - 3, 0, S_HI, 3, 1, 1
    SET_PAGE D_HI, PAGE_RW

    GROUP "STOS"
    FOUR_DESTINATION stosb, 1, 0, 1, PF_W
    FOUR_DESTINATION stosw, 2, 0, 1, PF_W
    FOUR_DESTINATION stosd, 4, 0, 1, PF_W
    GROUP "LODS"
    FOUR_SOURCE lodsb, 1, 1, 0
    FOUR_SOURCE lodsw, 2, 1, 0
    FOUR_SOURCE lodsd, 4, 1, 0
    ; EAX holds the last element that was read
    MIDDLE lodsd, 4, cld, S_HI, S_HI - 12, 0, 0, S_HI, 3, 1, 0
    EXPECT_EQ eax, [S_HI - 4]
    ; a partial REP LODSB leaves the other 24 bits
    MIDDLE lodsb, 1, cld, S_HI, S_HI - 3, 0, 0, S_HI, 3, 1, 0
    and eax, 0xFFFFFF00
    EXPECT_EQ eax, 0x5A5A5A00

    GROUP "SCAS, CMPS"
    ; REPNE SCAS for a value that is not there; both are reads
    mov eax, 0
    call fill_destination_5a
    FOUR_DESTINATION scasb, 1, 0, 1, 0          ; F3 with SCAS is REPE: all elements equal AL
    FOUR_DESTINATION scasw, 2, 0, 1, 0
    FOUR_DESTINATION scasd, 4, 0, 1, 0
    call equal_pages
    FOUR_SOURCE cmpsb, 1, 1, 1
    FOUR_SOURCE cmpsw, 2, 1, 1
    FOUR_SOURCE cmpsd, 4, 1, 1
    FOUR_DESTINATION cmpsb, 1, 1, 1, 0
    FOUR_DESTINATION cmpsw, 2, 1, 1, 0
    FOUR_DESTINATION cmpsd, 4, 1, 1, 0
    call fill_source

    GROUP "OUTS, INS"
    ; port 80h: a diagnostic latch, harmless in both directions
    FOUR_SOURCE outsb, 1, 1, 0
    FOUR_SOURCE outsw, 2, 1, 0
    FOUR_SOURCE outsd, 4, 1, 0
    FOUR_DESTINATION insb, 1, 0, 1, PF_W
    FOUR_DESTINATION insw, 2, 0, 1, PF_W
    FOUR_DESTINATION insd, 4, 0, 1, PF_W
    ret

fill_destination_5a:
    pushad
    cld
    mov edi, D_LO
    mov ecx, 2 * PAGE / 4
    mov eax, 0x5A5A5A5A
    rep stosd
    popad
    ret
; equal_pages: source and destination all 5Ah, so that any two positions compare equal
equal_pages:
    call fill_destination_5a
    pushad
    mov edi, S_LO
    mov ecx, 2 * PAGE / 4
    mov eax, 0x5A5A5A5A
    rep stosd
    popad
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
; The handler maps what is missing and returns; the instruction goes on. It runs once for each missing page.
section .bss
repairs: resd 1
section .text
repair:
    inc dword [repairs]
    mov eax, cr2
    mov ecx, eax
    and ecx, ~0xFFF
    shr eax, 12
    or ecx, PAGE_RW
    mov [page_tables + eax * 4], ecx
    ret

restarts:
    GROUP "restart after repair"
    mov dword [hooks + VEC_PF * 4], repair
    ; two pages on each side, all four missing: four faults, one instruction
%assign shape 0
%rep 4
    call clear_destination
    SET_PAGE S_LO, 0
    SET_PAGE S_HI, 0
    SET_PAGE D_LO, 0
    SET_PAGE D_HI, 0
    mov dword [repairs], 0
    %if shape == 0
    mov esi, S_LO + 0x801
    mov edi, D_LO + 0x903
    mov ecx, 0x1003
    cld
    rep movsb
    mov ebx, 0x1003
    %elif shape == 1
    mov esi, S_LO + 0x801               ; every dword across its page boundary at some point
    mov edi, D_LO + 0x903
    mov ecx, 0x400
    cld
    rep movsd
    mov ebx, 0x1000
    %elif shape == 2
    mov esi, S_LO + 0x801 + 0x1002
    mov edi, D_LO + 0x903 + 0x1002
    mov ecx, 0x1003
    std
    rep movsb
    mov ebx, 0x1003
    %else
    mov esi, S_LO + 0x801 + 0xFFE
    mov edi, D_LO + 0x903 + 0xFFE
    mov ecx, 0x800
    std
    rep movsw
    mov ebx, 0x1000
    %endif
    cld
    EXPECT_EQ [repairs], 4
    EXPECT_EQ ecx, 0
    mov esi, S_LO + 0x801
    mov edi, D_LO + 0x903
    mov ecx, ebx
    repe cmpsb
    EXPECT_FLAGS FL_ZF, FL_ZF
    movzx eax, byte [D_LO + 0x902]
    EXPECT_EQ eax, 0
    movzx eax, byte [D_LO + 0x903 + ebx]
    EXPECT_EQ eax, 0
%assign shape shape + 1
%endrep
    ; a long fill over frames in reverse order
    MAP_PAGE D_LO, D_HI, PAGE_RW
    MAP_PAGE D_HI, D_LO, PAGE_RW
    mov edi, D_LO + 0xF00
    mov ecx, 0x80
    mov eax, 0x01020304
    rep stosd
    SET_PAGE D_LO, PAGE_RW
    SET_PAGE D_HI, PAGE_RW
    EXPECT_EQ [D_HI + 0xF00], 0x01020304
    EXPECT_EQ [D_LO], 0x01020304
    EXPECT_EQ [D_LO + 0xFC], 0x01020304
    EXPECT_EQ [D_LO + 0x100], 0
    mov dword [hooks + VEC_PF * 4], 0
    ret

counts_and_prefixes:
    GROUP "counts and prefixes"
    SET_PAGE S_LO, 0
    SET_PAGE D_LO, 0
    ; ECX = 0: not even an access
    xor ecx, ecx
    mov esi, S_LO
    mov edi, D_LO
    TRY
    rep movsd
    END_TRY
    EXPECT_EQ [caught.vector], VEC_NONE
    EXPECT_EQ esi, S_LO
    TRY
    rep stosd
    rep lodsd
    repe cmpsd
    repne scasd
    END_TRY
    EXPECT_EQ [caught.vector], VEC_NONE
    SET_PAGE S_LO, PAGE_RW
    SET_PAGE D_LO, PAGE_RW
    ; without REP: one element, ECX untouched
    mov ecx, 77
    mov esi, S_LO
    mov edi, D_LO
    movsd
    EXPECT_EQ ecx, 77
    EXPECT_EQ esi, S_LO + 4
    EXPECT_EQ edi, D_LO + 4
    mov eax, [S_LO]
    EXPECT_EQ [D_LO], eax
    ; F2 repeats MOVS, STOS, LODS as F3 does
    mov ecx, 3
    mov edi, D_LO
    mov al, 0x99
    repne stosb
    EXPECT_EQ ecx, 0
    EXPECT_EQ edi, D_LO + 3
    ; with both, the last prefix counts: F3 F2 SCASB is REPNE
    mov dword [D_LO], 0x00332211
    mov edi, D_LO
    mov ecx, 4
    mov al, 0x33
    db 0xF3, 0xF2, 0xAE
    EXPECT_EQ ecx, 1
    ; REP before an instruction that is no string instruction is ignored: NOP, MOV, ADD ...
    mov ecx, 5
    mov eax, 1
    db 0xF3
    add eax, ecx
    EXPECT_EQ eax, 6
    EXPECT_EQ ecx, 5
    ; none of MOVS, STOS, LODS touches flags
    mov ecx, 2
    mov esi, S_LO
    mov edi, D_LO
    xor eax, eax
    stc
    rep movsb
    EXPECT_FLAGS FL_ZF | FL_PF | FL_CF, FL_STATUS
    ret

overlap:
    GROUP "overlapping moves"
    ; Element by element, in order: a copy one byte upwards replicates the first byte.
    mov dword [D_LO], 0x000000A5
    mov esi, D_LO
    mov edi, D_LO + 1
    mov ecx, 15
    rep movsb
    EXPECT_EQ [D_LO + 12], 0xA5A5A5A5
    ; dwords one byte apart
    mov dword [D_LO], 0x44332211
    mov dword [D_LO + 4], 0x88776655
    mov dword [D_LO + 8], 0
    mov esi, D_LO
    mov edi, D_LO + 1
    mov ecx, 2
    rep movsd
    EXPECT_EQ [D_LO], 0x33221111
    EXPECT_EQ [D_LO + 4], 0x77664444            ; the second read saw what the first write left
    EXPECT_EQ [D_LO + 8], 0x00000088
    ; backwards it is a correct memmove
    mov dword [D_LO], 0x44332211
    mov dword [D_LO + 4], 0x88776655
    std
    mov esi, D_LO + 7
    mov edi, D_LO + 8
    mov ecx, 8
    rep movsb
    cld
    EXPECT_EQ [D_LO + 1], 0x44332211
    EXPECT_EQ [D_LO + 5], 0x88776655
    ret

compare_scan:
    GROUP "comparing and scanning"
    cld
    mov esi, S_LO
    mov edi, D_LO
    mov ecx, 64
    rep movsd
    mov byte [D_LO + 100], 0
    mov esi, S_LO
    mov edi, D_LO
    mov ecx, 256
    repe cmpsb
    EXPECT_FLAGS 0, FL_ZF
    EXPECT_EQ ecx, 256 - 101
    EXPECT_EQ esi, S_LO + 101
    EXPECT_EQ edi, D_LO + 101
    ; flags are those of source minus destination: CMPS compares [ESI] with [EDI]
    mov byte [S_LO], 1
    mov byte [D_LO], 2
    mov esi, S_LO
    mov edi, D_LO
    cmpsb
    EXPECT_FLAGS FL_CF | FL_SF | FL_AF | FL_PF
    ; SCAS compares AL with [EDI]
    mov edi, D_LO
    mov al, 3
    scasb
    EXPECT_FLAGS 0, FL_CF | FL_ZF
    ; a compare that stops before the missing page never sees it
    mov byte [D_HI - 1], 0xEE
    mov edi, D_HI - 16
    mov ecx, 1000
    mov al, 0xEE
    SET_PAGE D_HI, 0
    RUNS repne scasb
    EXPECT_EQ edi, D_HI
    SET_PAGE D_HI, PAGE_RW
    ; down
    std
    mov edi, D_HI + 8
    mov ecx, 100
    repne scasb
    cld
    EXPECT_EQ edi, D_HI - 2
    EXPECT_EQ ecx, 100 - 10
    mov byte [S_LO], 3
    ret

sixteen_bit_addresses:
    GROUP "16-bit addresses"
    ; the address-size prefix selects SI, DI and CX; the upper halves stay and are not part of the address
    mov dword [0x5000], 0x11223344
    mov dword [0x6000], 0
    mov esi, 0xDEAD5000
    mov edi, 0xBEEF6000
    mov ecx, 0xFFFF0001
    a16 rep movsd
    EXPECT_EQ esi, 0xDEAD5004
    EXPECT_EQ edi, 0xBEEF6004
    EXPECT_EQ ecx, 0xFFFF0000
    EXPECT_EQ [0x6000], 0x11223344
    ; pointers wrap at 64 KiB
    mov byte [0xFFFF], 0x11
    mov dword [0x20000], 0
    mov esi, 0x0001FFFF
    mov ecx, 1
    a16 rep lodsb
    movzx eax, al
    EXPECT_EQ eax, 0x11
    EXPECT_EQ esi, 0x00010000
    ret

segments:
    GROUP "segments"
    ; an override moves the source, never the destination
    SET_DESC SX, D_LO - S_LO, 0xFFFFF, ACC_P | ACC_DATA | ACC_WRITE, DF_B | DF_G
    mov ax, SX
    mov fs, ax
    mov dword [D_LO + 0x40], 0x13579BDF
    mov esi, S_LO + 0x40                        ; FS:ESI is D_LO + 40h
    mov edi, D_LO + 0x80
    fs movsd
    EXPECT_EQ [D_LO + 0x80], 0x13579BDF
    ; the limit of ES in the middle of a REP: #GP(0) with exact registers, and the bytes before it stored
    SET_DESC SX, D_LO, 9, ACC_P | ACC_DATA | ACC_WRITE, DF_B
    mov dword [D_LO + 8], 0
    mov ax, SX
    TRY
    mov es, ax
    mov edi, 4
    mov ecx, 10
    mov al, 0xCC
.stos:
    rep stosb
    END_TRY
    EXPECT_FAULT VEC_GP, 0, .stos
    EXPECT_EQ edi, 10
    EXPECT_EQ ecx, 4
    EXPECT_EQ [D_LO + 8], 0x0000CCCC
    mov dword [D_LO + 8], 0
    mov ax, SX
    TRY
    mov es, ax
    mov edi, 0
    mov ecx, 10
    mov eax, 0xDDDDDDDD
.stosd:
    rep stosd
    END_TRY
    EXPECT_FAULT VEC_GP, 0, .stosd
    EXPECT_EQ edi, 8
    EXPECT_EQ ecx, 8
    EXPECT_EQ [D_LO + 8], 0
    ; the source's limit
    mov ax, SX
    TRY
    mov fs, ax
    mov esi, 7
    mov edi, D_LO + 0x100
    mov ecx, 2
.movsw:
    fs rep movsw
    END_TRY
    EXPECT_FAULT VEC_GP, 0, .movsw
    EXPECT_EQ esi, 9
    EXPECT_EQ ecx, 1
    mov ax, SEL_DATA
    mov fs, ax
    ret

KERNEL_END
