; protected-mode: entering protected mode, and every rule of segmentation that can be tested at CPL 0: null selectors, limits,
; expand-down segments, types, presence, privilege of selectors, the accessed bit, LDT, LAR, LSL, VERR, VERW, ARPL, LTR, LLDT,
; 16-bit code and stacks. Privilege changes are in privilege.asm, gates of the IDT in exceptions.asm.
;
; Runs as a BIOS image, from ROM. SDM volume 3A chapters 3 and 5, volume 2 for the instructions. QEMU's TCG ignores segment limits
; and most of the types on access, by design; the reference for this ROM is Bochs.

%include "bios.inc"

; Free selectors
S0 equ SEL_FREE
S1 equ SEL_FREE + 0x08
S2 equ SEL_FREE + 0x10
S3 equ SEL_FREE + 0x18
SLDT_ equ SEL_FREE + 0x20
BEYOND equ GDT_ENTRIES * 8      ; the first selector beyond the limit of the GDT

MEM equ 0x40000                 ; test data lives here, 64 KiB

; What real mode saw, for the checks in main
RESULTS equ 0x600

bits 16
real_mode_part:
    smsw [RESULTS]
    ; PE without a far jump: selectors load from the GDT at once, CS goes on as it was. LMSW sets PE but cannot clear it.
    o32 lgdt [cs:boot_gdtr - rom_start]
    mov ax, 1
    lmsw ax
    mov ax, 0x10
    mov ds, ax                  ; flat now
    mov ebx, 0x110000
    mov dword [ebx], 0x600DF00D
    xor ax, ax
    lmsw ax
    smsw ax
    mov [RESULTS + 2], ax
    mov [RESULTS + 4], cs       ; still F000h
    mov eax, cr0
    and al, ~CR0_PE
    mov cr0, eax
    jmp 0xF000:.real - rom_start
.real:
    xor ax, ax
    mov ds, ax                  ; base 0; the limit of 4 GiB stays in the hidden part
    mov eax, [dword 0x110000]
    mov [RESULTS + 8], eax
    ret

bits 32
main:
    GROUP "entry"
    movzx eax, word [RESULTS]
    and eax, CR0_PE
    EXPECT_EQ eax, 0
    movzx eax, word [RESULTS + 2]
    and eax, CR0_PE
    EXPECT_EQ eax, CR0_PE
    movzx eax, word [RESULTS + 4]
    EXPECT_EQ eax, 0xF000
    EXPECT_EQ [RESULTS + 8], 0x600DF00D
    mov eax, cr0
    and eax, CR0_PE | CR0_PG
    EXPECT_EQ eax, CR0_PE
    mov eax, cs
    EXPECT_EQ eax, SEL_CODE
    sgdt [MEM]
    movzx eax, word [MEM]
    EXPECT_EQ eax, GDT_ENTRIES * 8 - 1
    EXPECT_EQ [MEM + 2], gdt
    sidt [MEM]
    movzx eax, word [MEM]
    EXPECT_EQ eax, 0x7FF
    call null_selectors
    call limits
    call expand_down
    call types_on_access
    call types_on_load
    call presence_and_privilege
    call accessed_bit
    call local_descriptors
    call base_wrap
    call code_segments
    call sixteen_bit_code
    call sixteen_bit_stack
    call lar_lsl
    call verr_verw
    call arpl_
    call system_registers
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
null_selectors:
    GROUP "null selectors"
    ; Loading DS, ES, FS or GS with index 0 of the GDT is allowed, with any RPL. Using it is not.
    mov ax, 3
    RUNS mov fs, ax
    FAULTS VEC_GP, 0, mov eax, [fs:0]
    mov ax, 3
    mov fs, ax
    FAULTS VEC_GP, 0, mov [fs:MEM], eax
    xor eax, eax
    mov fs, ax
    TRY
.lods:
    mov ecx, 4
    mov esi, MEM
.lods_at:
    fs rep lodsb
    END_TRY
    EXPECT_FAULT VEC_GP, 0, .lods_at
    EXPECT_EQ ecx, 4
    xor eax, eax
    mov fs, ax
    RUNS lea eax, [fs:MEM]              ; no access, no fault
    xor eax, eax
    FAULTS VEC_GP, 0, mov ss, ax
    mov ax, 1
    FAULTS VEC_GP, 0, mov ss, ax
    FAULTS VEC_GP, 0, jmp 0:0x1234
    FAULTS VEC_GP, 0, call 3:0x1234
    ; the null descriptor itself is never read: whatever is in entry 0 does not matter
    mov dword [gdt], 0x0000FFFF
    mov dword [gdt + 4], 0x00CF9200
    xor eax, eax
    mov gs, ax
    FAULTS VEC_GP, 0, mov eax, [gs:MEM]
    mov dword [gdt], 0
    mov dword [gdt + 4], 0
    mov ax, SEL_DATA
    mov gs, ax
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
limits:
    GROUP "segment limits"
    ; byte granularity: the last valid byte is at the limit
    SET_DESC S0, MEM, 0xFFF, ACC_P | ACC_DATA | ACC_WRITE, DF_B
    mov ax, S0
    mov fs, ax
    RUNS mov al, [fs:0xFFF]
    FAULTS VEC_GP, 0, mov al, [fs:0x1000]
    mov ax, S0
    mov fs, ax
    RUNS mov ax, [fs:0xFFE]
    FAULTS VEC_GP, 0, {mov ax, [fs:0xFFF]}
    mov ax, S0
    mov fs, ax
    FAULTS VEC_GP, 0, {mov eax, [fs:0xFFD]}
    mov ax, S0
    mov fs, ax
    RUNS {mov eax, [fs:0xFFC]}
    FAULTS VEC_GP, 0, {mov [fs:0xFFD], eax}
    mov ax, S0
    mov fs, ax
    ; an access that wraps around 4 GiB is beyond the limit too
    FAULTS VEC_GP, 0, {mov eax, [fs:0xFFFFFFFE]}
    ; the loser of a read-modify-write leaves memory alone
    mov dword [MEM + 0xFFC], 0x11111111
    mov dword [MEM + 0x1000], 0x22222222
    mov ax, S0
    mov fs, ax
    FAULTS VEC_GP, 0, {add dword [fs:0xFFE], 0x01010101}
    EXPECT_EQ [MEM + 0xFFC], 0x11111111
    EXPECT_EQ [MEM + 0x1000], 0x22222222
    ; 8 and 10-byte operands
    mov ax, S0
    mov fs, ax
    fninit
    FAULTS VEC_GP, 0, {fld qword [fs:0xFF9]}
    mov ax, S0
    mov fs, ax
    RUNS fld tword [fs:0xFF6]
    mov ax, S0
    mov fs, ax
    FAULTS VEC_GP, 0, {fstp tword [fs:0xFF7]}
    fninit
    ; limit 0 is one byte
    SET_DESC S0, MEM, 0, ACC_P | ACC_DATA | ACC_WRITE, DF_B
    mov ax, S0
    mov fs, ax
    RUNS mov al, [fs:0]
    FAULTS VEC_GP, 0, {mov al, [fs:1]}
    ; page granularity: limit 0 is 4096 bytes
    SET_DESC S0, MEM, 0, ACC_P | ACC_DATA | ACC_WRITE, DF_B | DF_G
    mov ax, S0
    mov fs, ax
    RUNS mov al, [fs:0xFFF]
    FAULTS VEC_GP, 0, {mov al, [fs:0x1000]}
    ; the hidden part is what counts: changing the descriptor in memory changes nothing until the next load
    SET_DESC S0, MEM, 0xF, ACC_P | ACC_DATA | ACC_WRITE, DF_B
    mov ax, S0
    mov fs, ax
    SET_DESC S0, MEM, 0xFFFFF, ACC_P | ACC_DATA | ACC_WRITE, DF_B | DF_G
    FAULTS VEC_GP, 0, {mov al, [fs:0x10]}
    mov ax, S0
    mov fs, ax
    RUNS mov al, [fs:0x10]
    ; the stack segment reports #SS(0), with explicit accesses and with pushes
    SET_DESC S1, 0, 0xFFFF, ACC_P | ACC_DATA | ACC_WRITE, DF_B
    mov ax, S1
    TRY
    mov ss, ax
.ss_at:
    mov eax, [ss:0x10000]
    END_TRY
    EXPECT_FAULT VEC_SS, 0, .ss_at
    mov ax, SEL_DATA
    mov ss, ax
    ret

expand_down:
    GROUP "expand-down segments"
    ; Valid offsets are those above the limit, up to FFFFFFFF (B = 1) or FFFF (B = 0).
    SET_DESC S0, 0, MEM - 1, ACC_P | ACC_DATA | ACC_WRITE | ACC_DOWN, DF_B
    mov ax, S0
    mov fs, ax
    RUNS mov al, [fs:MEM]
    RUNS mov al, [fs:0xFFFFFFFF]
    FAULTS VEC_GP, 0, {mov al, [fs:MEM - 1]}
    mov ax, S0
    mov fs, ax
    FAULTS VEC_GP, 0, {mov ax, [fs:MEM - 1]}
    mov ax, S0
    mov fs, ax
    FAULTS VEC_GP, 0, {mov al, [fs:0]}
    SET_DESC S0, MEM, 0x7FFF, ACC_P | ACC_DATA | ACC_WRITE | ACC_DOWN, 0
    mov ax, S0
    mov fs, ax
    RUNS mov al, [fs:0x8000]
    RUNS mov al, [fs:0xFFFF]
    FAULTS VEC_GP, 0, {mov al, [fs:0x10000]}
    mov ax, S0
    mov fs, ax
    FAULTS VEC_GP, 0, {mov ax, [fs:0xFFFF]}
    mov ax, S0
    mov fs, ax
    FAULTS VEC_GP, 0, {mov al, [fs:0x7FFF]}
    ; page granularity: limit 0 stands for 0FFFh, so offset 1000h is the first valid one
    SET_DESC S0, 0, 0, ACC_P | ACC_DATA | ACC_WRITE | ACC_DOWN, DF_B | DF_G
    mov ax, S0
    mov fs, ax
    RUNS mov al, [fs:0x1000]
    FAULTS VEC_GP, 0, {mov al, [fs:0xFFF]}
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
types_on_access:
    GROUP "types on access"
    mov dword [MEM], 0x12345678
    SET_DESC S0, MEM, 0xFFFF, ACC_P | ACC_DATA, DF_B                    ; read-only data
    mov ax, S0
    mov fs, ax
    RUNS mov eax, [fs:0]
    EXPECT_EQ eax, 0x12345678
    FAULTS VEC_GP, 0, {mov [fs:0], eax}
    mov ax, S0
    mov fs, ax
    FAULTS VEC_GP, 0, {inc dword [fs:0]}
    mov ax, S0
    mov fs, ax
    FAULTS VEC_GP, 0, {xchg [fs:0], eax}
    mov ax, S0
    mov fs, ax
    FAULTS VEC_GP, 0, {pop dword [fs:0]}
    mov ax, S0
    mov fs, ax
    RUNS test dword [fs:0], 0
    SET_DESC S0, MEM, 0xFFFF, ACC_P | ACC_CODE | ACC_READ, DF_B         ; readable code
    mov ax, S0
    mov fs, ax
    RUNS mov eax, [fs:0]
    EXPECT_EQ eax, 0x12345678
    FAULTS VEC_GP, 0, {mov [fs:0], eax}
    ; code is never writable, not even through CS
    FAULTS VEC_GP, 0, {mov [cs:MEM], eax}
    EXPECT_EQ [MEM], 0x12345678
    ; execute-only code: a CS of that type cannot be read, but runs
    SET_DESC S0, 0, 0xFFFFF, ACC_P | ACC_CODE, DF_B | DF_G
    TRY
    jmp S0:.execute_only
.execute_only:
    mov eax, [cs:MEM]
    END_TRY
    EXPECT_FAULT VEC_GP, 0, .execute_only
    EXPECT_EQ [caught.cs], S0
    ret

types_on_load:
    GROUP "types on load"
    SET_DESC S0, 0, 0xFFFFF, ACC_P | ACC_CODE, DF_B | DF_G              ; execute-only
    mov ax, S0
    FAULTS VEC_GP, S0, mov ds, ax
    FAULTS VEC_GP, S0, mov ss, ax
    SET_DESC S0, 0, 0xFFFFF, ACC_P | ACC_CODE | ACC_READ, DF_B | DF_G
    mov ax, S0
    RUNS mov es, ax
    mov ax, S0
    FAULTS VEC_GP, S0, mov ss, ax
    SET_DESC S0, 0, 0xFFFFF, ACC_P | ACC_DATA, DF_B | DF_G              ; read-only: never a stack
    mov ax, S0
    FAULTS VEC_GP, S0, mov ss, ax
    mov ax, S0
    RUNS mov es, ax
    ; system descriptors are no segments
    mov ax, SEL_TSS
    FAULTS VEC_GP, SEL_TSS, mov es, ax
    mov ax, SEL_TSS
    FAULTS VEC_GP, SEL_TSS, mov ss, ax
    ; every way to load a segment register reports the same
    mov word [MEM + 4], SEL_TSS
    FAULTS VEC_GP, SEL_TSS, {les eax, [MEM]}
    FAULTS VEC_GP, SEL_TSS, {lfs eax, [MEM]}
    FAULTS VEC_GP, SEL_TSS, {lss eax, [MEM]}
    TRY
    push dword SEL_TSS
.pop_at:
    pop fs
    END_TRY
    EXPECT_FAULT VEC_GP, SEL_TSS, .pop_at
    ; a load that fails leaves the register, and the old ES still works
    mov ax, SEL_DATA
    mov fs, ax
    mov ax, SEL_TSS
    TRY
    mov fs, ax
    END_TRY
    EXPECT_EQ [caught + frame.fs], SEL_DATA
    ; LES that fails does not change the general register either
    mov eax, 0x55AA55AA
    mov dword [MEM], 0x11111111
    TRY
    les eax, [MEM]
    END_TRY
    EXPECT_EQ eax, 0x55AA55AA
    ; CS cannot be loaded with MOV
    FAULTS VEC_UD, 0, {db 0x8E, 0xC8}           ; mov cs, ax
    FAULTS VEC_UD, 0, {db 0x8E, 0xF0}           ; segment register 6 does not exist
    FAULTS VEC_UD, 0, {db 0x8C, 0xF8}
    ; beyond the limit of the GDT
    mov ax, BEYOND
    FAULTS VEC_GP, BEYOND, mov es, ax
    mov ax, 0xFFFB                              ; RPL is not part of the error code
    FAULTS VEC_GP, 0xFFF8, mov es, ax
    ret

presence_and_privilege:
    GROUP "presence, DPL and RPL on load"
    SET_DESC S0, 0, 0xFFFFF, ACC_DATA | ACC_WRITE, DF_B | DF_G          ; P = 0
    mov ax, S0
    FAULTS VEC_NP, S0, mov es, ax
    mov ax, S0
    FAULTS VEC_SS, S0, mov ss, ax               ; the stack has its own exception
    ; type comes before presence
    SET_DESC S0, 0, 0xFFFFF, ACC_CODE, DF_B | DF_G
    mov ax, S0
    FAULTS VEC_GP, S0, mov es, ax
    ; DPL >= max(CPL, RPL) for data and non-conforming code ...
    mov ax, SEL_DATA | 1
    FAULTS VEC_GP, SEL_DATA, mov es, ax
    mov ax, SEL_UDATA
    RUNS mov es, ax
    ; ... conforming code is exempt
    SET_DESC S0, 0, 0xFFFFF, ACC_P | ACC_CODE | ACC_READ | ACC_CONF, DF_B | DF_G
    mov ax, S0 | 3
    RUNS mov es, ax
    ; SS: RPL = DPL = CPL
    mov ax, SEL_UDATA
    FAULTS VEC_GP, SEL_UDATA & ~3, mov ss, ax
    mov ax, SEL_DATA | 3
    FAULTS VEC_GP, SEL_DATA, mov ss, ax
    mov ax, SEL_UDATA & ~3
    FAULTS VEC_GP, SEL_UDATA & ~3, mov ss, ax
    ret

accessed_bit:
    GROUP "accessed bit"
    SET_DESC S0, 0, 0xFFFFF, ACC_P | ACC_DATA | ACC_WRITE, DF_B | DF_G
    movzx eax, byte [gdt + S0 + 5]
    EXPECT_EQ eax, ACC_P | ACC_DATA | ACC_WRITE
    mov ax, S0
    verr ax                                     ; looking is not loading
    lar eax, eax
    movzx eax, byte [gdt + S0 + 5]
    EXPECT_EQ eax, ACC_P | ACC_DATA | ACC_WRITE
    mov ax, S0
    mov es, ax
    movzx eax, byte [gdt + S0 + 5]
    EXPECT_EQ eax, ACC_P | ACC_DATA | ACC_WRITE | ACC_A
    ; a load that faults does not set it
    SET_DESC S0, 0, 0xFFFFF, ACC_DATA | ACC_WRITE, DF_B | DF_G
    mov ax, S0
    FAULTS VEC_NP, S0, mov es, ax
    movzx eax, byte [gdt + S0 + 5]
    EXPECT_EQ eax, ACC_DATA | ACC_WRITE
    ; CS, by a far jump
    SET_DESC S0, 0, 0xFFFFF, ACC_P | ACC_CODE | ACC_READ, DF_B | DF_G
    jmp S0:.loaded
.loaded:
    jmp SEL_CODE:.back
.back:
    movzx eax, byte [gdt + S0 + 5]
    EXPECT_EQ eax, ACC_P | ACC_CODE | ACC_READ | ACC_A
    mov ax, SEL_DATA
    mov es, ax
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
local_descriptors:
    GROUP "LDT"
    LDT equ MEM + 0x8000
    xor eax, eax
    lldt ax                                     ; no LDT at all
    sldt eax
    EXPECT_EQ eax, 0
    mov ax, 4
    FAULTS VEC_GP, 4, mov es, ax                ; TI is part of the error code
    SET_DESC SLDT_, LDT, 15, ACC_P | SYS_LDT, 0 ; two entries
    mov dword [LDT], 0x0000FFFF                 ; entry 0 of an LDT is a descriptor like any other
    mov dword [LDT + 4], 0x00CF9200
    mov dword [LDT + 8], 0x0000FFFF
    mov dword [LDT + 12], 0x00CF1200            ; not present
    mov ax, SLDT_
    RUNS lldt ax
    sldt ax
    movzx eax, ax
    EXPECT_EQ eax, SLDT_
    mov ax, 4
    RUNS mov es, ax
    mov dword [MEM], 0x77777777
    mov eax, [es:MEM]
    EXPECT_EQ eax, 0x77777777
    mov ax, 0xC
    FAULTS VEC_NP, 0xC, mov es, ax
    mov ax, 0x14
    FAULTS VEC_GP, 0x14, mov es, ax
    ; LLDT: the selector must be in the GDT, an LDT descriptor, and present
    mov ax, 4
    FAULTS VEC_GP, 4, lldt ax
    mov ax, SEL_DATA
    FAULTS VEC_GP, SEL_DATA, lldt ax
    SET_DESC S0, LDT, 15, SYS_LDT, 0
    mov ax, S0
    FAULTS VEC_NP, S0, lldt ax
    sldt ax
    movzx eax, ax
    EXPECT_EQ eax, SLDT_                        ; a failed LLDT leaves LDTR
    xor eax, eax
    lldt ax
    mov ax, SEL_DATA
    mov es, ax
    ret

base_wrap:
    GROUP "linear addresses wrap at 4 GiB"
    SET_DESC S0, 0xFFFF0000, 0xFFFFF, ACC_P | ACC_DATA | ACC_WRITE, DF_B | DF_G
    mov ax, S0
    mov fs, ax
    mov dword [MEM], 0x0BADCAFE
    mov eax, [fs:MEM + 0x10000]
    EXPECT_EQ eax, 0x0BADCAFE
    movzx eax, byte [fs:0xFFF0]                 ; FFFFFFF0h: the reset vector's far jump
    EXPECT_EQ eax, 0xEA
    ; (An access that wraps inside a 4 GiB segment may or may not fault, volume 3A 5.3: not tested.)
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
code_segments:
    GROUP "far transfers"
    FAULTS VEC_GP, SEL_DATA, jmp SEL_DATA:0
    FAULTS VEC_GP, BEYOND, jmp BEYOND:0
    SET_DESC S0, 0, 0xFFFFF, ACC_CODE | ACC_READ, DF_B | DF_G
    FAULTS VEC_NP, S0, jmp S0:0
    FAULTS VEC_NP, S0, call S0:0
    ; DPL of non-conforming code must equal CPL, RPL must not exceed it
    FAULTS VEC_GP, SEL_UCODE & ~3, jmp SEL_UCODE:0
    FAULTS VEC_GP, SEL_CODE, jmp SEL_CODE | 1:0
    ; conforming code: DPL <= CPL
    SET_DESC S0, 0, 0xFFFFF, ACC_P | ACC_DPL3 | ACC_CODE | ACC_CONF, DF_B | DF_G
    FAULTS VEC_GP, S0, jmp S0:0
    SET_DESC S0, 0, 0xFFFFF, ACC_P | ACC_CODE | ACC_CONF, DF_B | DF_G
    TRY
    jmp S0 | 3:.conforming                      ; any RPL will do, and CS gets CPL there, not RPL
.conforming:
    mov eax, cs
    jmp SEL_CODE:.conforming_done
.conforming_done:
    END_TRY
    EXPECT_EQ [caught.vector], VEC_NONE
    EXPECT_EQ eax, S0
    ; the target must be inside the new limit: the fault is on the jump, in the old segment
    SET_DESC S0, 0, 0xFFFF, ACC_P | ACC_CODE | ACC_READ, DF_B
    FAULTS VEC_GP, 0, jmp S0:0x10000
    EXPECT_EQ [caught.cs], SEL_CODE
    ; near transfers check the limit of CS
    SET_DESC S0, 0, 0xFFFFF, ACC_P | ACC_CODE | ACC_READ, DF_B     ; exactly the first megabyte, which this ROM ends at
    TRY
    jmp S0:.small
.small:
    mov eax, 0x100000
.jump_at:
    jmp eax
    END_TRY
    EXPECT_FAULT VEC_GP, 0, .jump_at
    TRY
    jmp S0:.small2
.small2:
    mov eax, 0x100000
    push eax
.ret_at:
    ret
    END_TRY
    EXPECT_FAULT VEC_GP, 0, .ret_at
    ; running off the end: three NOPs in the last bytes of a segment, then the fetch of the fourth faults
    mov dword [MEM], 0x90909090
    SET_DESC S0, MEM, 2, ACC_P | ACC_CODE | ACC_READ, DF_B
    TRY
    jmp S0:0
    END_TRY
    EXPECT_FAULT VEC_GP, 0, 3
    EXPECT_EQ [caught.cs], S0
    ; an instruction that begins inside and ends outside: EIP is that of the instruction
    mov byte [MEM + 1], 0xB8                    ; mov eax, imm32
    TRY
    jmp S0:0
    END_TRY
    EXPECT_FAULT VEC_GP, 0, 1
    ; far return and IRET to the same level take the same checks
    push dword SEL_DATA
    push dword .nowhere
    FAULTS VEC_GP, SEL_DATA, retf
    add esp, 8
    push dword FL_1
    push dword 0
    push dword .nowhere
    FAULTS VEC_GP, 0, iretd
    add esp, 12
    ; a stack that ends below the return frame: #SS(0) and ESP unchanged is checked in privilege.asm
.nowhere:
    ret

sixteen_bit_code:
    GROUP "16-bit code in protected mode"
    ; D = 0: operands and addresses default to 16 bits; the prefixes turn around. The same bytes mean different instructions:
    ; 66 B8 imm32 in 16-bit code, B8 imm32 in 32-bit code.
    SET_DESC S0, ROM_BASE, 0xFFFF, ACC_P | ACC_CODE | ACC_READ, 0
    mov eax, 0x11111111
    mov esi, esp
    jmp S0:.code16 - rom_start
bits 16
.code16:
    mov ax, 0x2222
    mov ecx, 0x33333333
    call .near16                                ; pushes two bytes
    push dword SEL_CODE
    push dword .code32
    o32 retf
.near16:
    mov edx, esp
    ret
bits 32
.code32:
    EXPECT_EQ eax, 0x11112222
    EXPECT_EQ ecx, 0x33333333
    sub esi, edx
    EXPECT_EQ esi, 2
    ; an operand-size override on a near jump cuts EIP to 16 bits
    mov eax, 0x00051234
    TRY
    o16 jmp ax                                  ; to 00001234h, where RAM holds an INT3 for us
    END_TRY
    mov byte [0x1234], 0xCC
    TRY
    o16 jmp ax
    END_TRY
    EXPECT_FAULT VEC_BP, 0, 0x1235
    ret

sixteen_bit_stack:
    GROUP "16-bit stack segments"
    ; B = 0 in SS: pushes and pops use SP and leave the upper half of ESP alone, whatever the code size.
    SET_DESC S1, MEM, 0xFFFF, ACC_P | ACC_DATA | ACC_WRITE, 0
    mov ebp, esp
    mov ax, S1
    mov ss, ax
    mov esp, 0x12340000
    push dword 0xFEEDBEEF                       ; wraps: SP = FFFCh
    mov ebx, esp
    pop ecx
    mov edx, esp
    ; (Only SP wraps, never an access: PUSH of four bytes with SP = 2 would be #SS(0). Its handler would push to the same stack and
    ; fault again, so the tests of that are in tasks.asm, where a task gate brings a stack of its own.)
    mov ax, SEL_DATA
    mov ss, ax
    mov esp, ebp
    EXPECT_EQ ebx, 0x1234FFFC
    EXPECT_EQ ecx, 0xFEEDBEEF
    EXPECT_EQ edx, 0x12340000
    EXPECT_EQ [MEM + 0xFFFC], 0xFEEDBEEF
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
; LAR_IS selector, expected (00F0FF00h of the upper descriptor half; bits 16 to 19 are undefined)
%macro LAR_IS 2.nolist
    mov ecx, %1
    mov eax, 0xDEADBEEF
    cmp ecx, 0x10000            ; ZF = 0
    lar eax, ecx
    EXPECT_FLAGS FL_ZF, FL_ZF
    and eax, 0x00F0FF00
    EXPECT_EQ eax, %2
%endmacro
%macro LSL_IS 2.nolist
    mov ecx, %1
    mov eax, 0xDEADBEEF
    cmp ecx, 0x10000
    lsl eax, ecx
    EXPECT_FLAGS FL_ZF, FL_ZF
    EXPECT_EQ eax, %2
%endmacro
; NOT_VISIBLE op, selector: ZF = 0, destination unchanged
%macro NOT_VISIBLE 2.nolist
    mov ecx, %2
    mov eax, 0xDEADBEEF
    cmp eax, eax                ; ZF = 1
    %1 eax, ecx
    EXPECT_FLAGS 0, FL_ZF
    EXPECT_EQ eax, 0xDEADBEEF
%endmacro

lar_lsl:
    GROUP "LAR, LSL"
    LAR_IS SEL_CODE, 0x00C09B00 & ~0x100 | (0x100)      ; in use, hence accessed
    LAR_IS SEL_UDATA, 0x00C0F300
    SET_DESC S0, 0, 0x12345, ACC_P | ACC_DATA | ACC_WRITE, DF_B
    LAR_IS S0, 0x00409200
    LSL_IS S0, 0x12345
    SET_DESC S0, 0, 0x12345, ACC_P | ACC_DATA | ACC_WRITE, DF_B | DF_G
    LSL_IS S0, 0x12345FFF
    ; the 16-bit forms take the low half
    mov ecx, S0
    mov eax, 0xDEADBEEF
    lsl ax, cx
    EXPECT_EQ eax, 0xDEAD5FFF
    lar ax, cx
    and eax, 0xFFFFFF00
    EXPECT_EQ eax, 0xDEAD9200
    ; presence does not matter
    SET_DESC S0, 0, 0x12345, ACC_DATA | ACC_WRITE, DF_B
    LAR_IS S0, 0x00401200
    ; null, beyond the limit, DPL below RPL
    NOT_VISIBLE lar, 0
    NOT_VISIBLE lsl, 3
    NOT_VISIBLE lar, BEYOND
    NOT_VISIBLE lsl, SEL_DATA | 3
    NOT_VISIBLE lar, SEL_CODE | 1
    ; conforming code is visible from everywhere
    SET_DESC S0, 0, 0xFFFFF, ACC_P | ACC_CODE | ACC_CONF, DF_B | DF_G
    LAR_IS S0 | 3, 0x00C09C00
    ; system types: LAR knows TSS, LDT, call and task gates; LSL only those with a limit. (32-bit protected mode: volume 2, tables of
    ; LAR and LSL.) Interrupt and trap gates are not valid for either.
%assign type 0
%rep 16
    SET_DESC S0, 0, 0x67, ACC_P | type, 0
    %if type == SYS_TSS16 || type == SYS_LDT || type == SYS_TSS16_BUSY || type == SYS_TSS32 || type == SYS_TSS32_BUSY
    LAR_IS S0, (ACC_P | type) << 8
    LSL_IS S0, 0x67
    %elif type == SYS_CALL16 || type == SYS_TASKGATE || type == SYS_CALL32
    LAR_IS S0, (ACC_P | type) << 8
    NOT_VISIBLE lsl, S0
    %else
    NOT_VISIBLE lar, S0
    NOT_VISIBLE lsl, S0
    %endif
%assign type type + 1
%endrep
    ret

; VER op, selector, ZF
%macro VER 3.nolist
    mov ecx, %2
    xor eax, eax
    %if %3 == 0
    cmp eax, eax
    %else
    cmp eax, 1
    %endif
    %1 cx
    EXPECT_FLAGS %3, FL_ZF
%endmacro

verr_verw:
    GROUP "VERR, VERW"
    VER verr, SEL_DATA, FL_ZF
    VER verw, SEL_DATA, FL_ZF
    VER verr, SEL_CODE, FL_ZF
    VER verw, SEL_CODE, 0
    VER verr, SEL_DATA | 3, 0
    VER verw, SEL_DATA | 1, 0
    VER verr, SEL_UDATA, FL_ZF
    VER verw, SEL_UDATA, FL_ZF
    VER verr, 0, 0
    VER verw, 3, 0
    VER verr, BEYOND, 0
    VER verr, SEL_TSS, 0
    VER verw, SEL_TSS, 0
    SET_DESC S0, 0, 0xFFFFF, ACC_P | ACC_CODE, DF_B | DF_G               ; execute-only
    VER verr, S0, 0
    SET_DESC S0, 0, 0xFFFFF, ACC_P | ACC_CODE | ACC_CONF | ACC_READ, DF_B | DF_G
    VER verr, S0 | 3, FL_ZF
    SET_DESC S0, 0, 0xFFFFF, ACC_P | ACC_DATA, DF_B | DF_G               ; read-only
    VER verr, S0, FL_ZF
    VER verw, S0, 0
    ; other flags stay
    mov ecx, SEL_DATA
    stc
    verr cx
    EXPECT_FLAGS FL_CF | FL_ZF, FL_CF | FL_ZF
    ret

arpl_:
    GROUP "ARPL"
    mov ax, 0x1230
    mov cx, 3
    stc
    arpl ax, cx
    EXPECT_FLAGS FL_ZF | FL_CF, FL_ZF | FL_CF
    movzx eax, ax
    EXPECT_EQ eax, 0x1233
    mov cx, 1
    arpl ax, cx
    EXPECT_FLAGS 0, FL_ZF
    movzx eax, ax
    EXPECT_EQ eax, 0x1233
    mov dword [MEM], 0xFFFF0000
    mov cx, 2
    arpl [MEM], cx
    EXPECT_FLAGS FL_ZF, FL_ZF
    EXPECT_EQ [MEM], 0xFFFF0002
    ret

system_registers:
    GROUP "LTR, STR, SMSW, LMSW, LGDT"
    str eax
    EXPECT_EQ eax, SEL_TSS
    mov dword [MEM], 0xFFFFFFFF
    str [MEM]                                   ; memory forms store 16 bits
    EXPECT_EQ [MEM], 0xFFFF0000 | SEL_TSS
    ; LTR marks the descriptor busy, and refuses a busy one
    movzx eax, byte [gdt + SEL_TSS + 5]
    EXPECT_EQ eax, ACC_P | SYS_TSS32_BUSY
    mov ax, SEL_TSS
    FAULTS VEC_GP, SEL_TSS, ltr ax
    xor eax, eax
    FAULTS VEC_GP, 0, ltr ax
    mov ax, SEL_DATA
    FAULTS VEC_GP, SEL_DATA, ltr ax
    mov ax, 4
    FAULTS VEC_GP, 4, ltr ax
    SET_DESC S0, tss, 103, SYS_TSS32, 0
    mov ax, S0
    FAULTS VEC_NP, S0, ltr ax
    movzx eax, byte [gdt + S0 + 5]
    EXPECT_EQ eax, SYS_TSS32
    str eax
    EXPECT_EQ eax, SEL_TSS
    ; MSW is the low half of CR0; LMSW reaches PE, MP, EM and TS only
    smsw eax
    mov ebx, cr0
    and eax, 0xFFFF
    and ebx, 0xFFFF
    EXPECT_EQ eax, ebx
    or ax, CR0_TS | CR0_EM
    lmsw ax
    mov eax, cr0
    and eax, CR0_TS | CR0_EM | CR0_PE
    EXPECT_EQ eax, CR0_TS | CR0_EM | CR0_PE
    clts
    mov eax, cr0
    and eax, CR0_TS | CR0_EM
    EXPECT_EQ eax, CR0_EM
    xor eax, eax
    lmsw ax
    mov eax, cr0
    and eax, CR0_PE | CR0_MP | CR0_EM | CR0_TS
    EXPECT_EQ eax, CR0_PE
    ; CR0 combinations that cannot be: PG without PE, NW without CD
    mov eax, cr0
    mov ebx, eax
    and eax, ~CR0_PE
    or eax, CR0_PG
    FAULTS VEC_GP, 0, mov cr0, eax
    mov eax, ebx
    and eax, ~CR0_CD
    or eax, CR0_NW
    FAULTS VEC_GP, 0, mov cr0, eax
    mov eax, cr0
    EXPECT_EQ eax, ebx
    FAULTS VEC_UD, 0, {db 0x0F, 0x20, 0xC8}     ; CR1 does not exist
    FAULTS VEC_UD, 0, {db 0x0F, 0x22, 0xC8}
    ret

BIOS_END
