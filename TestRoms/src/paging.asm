; paging: translation, protection and every bit of the page-fault error code, in the three formats of a 32-bit CPU: 4 KiB pages,
; 4 MiB pages (PSE) and PAE with 2 MiB pages and NX; what INVLPG, CR3 and CR4.PGE must flush; accessed and dirty bits; faults of the
; CPU's own accesses.
;
; SDM volume 3A chapter 4. What the TLB may keep is not tested, only what it must not keep.

%include "kernel.inc"
%include "paging.inc"

T0 equ TEST_PAGES               ; pages of the test window ...
T1 equ TEST_PAGES + PAGE
T2 equ TEST_PAGES + 2 * PAGE
T3 equ TEST_PAGES + 3 * PAGE
UNMAPPED equ 0x5000000          ; no directory entry
LARGE equ 0x40000000            ; where large pages are mapped
S0 equ SEL_FREE

ANY_AD equ PTE_A | PTE_D

%macro SET_CR0 2
    push eax
    mov eax, cr0
    or eax, %1
    and eax, ~(%2)
    mov cr0, eax
    pop eax
%endmacro
%macro SET_CR4 2
    push eax
    mov eax, cr4
    or eax, %1
    and eax, ~(%2)
    mov cr4, eax
    pop eax
%endmacro

; PAGE_FAULT error, address, instruction
%macro PAGE_FAULT 3+.nolist
    TRY
%%at:
    %3
    END_TRY
    EXPECT_FAULT VEC_PF, %1, %%at
    EXPECT_EQ [caught.cr2], %2
%endmacro
; USER_FAULT error, address, label: the code at label in ring 3 faults at once
%macro USER_FAULT 3.nolist
    USER %3
    EXPECT_FAULT VEC_PF, %1, %3
    EXPECT_EQ [caught.cr2], %2
%endmacro
%macro USER_RUNS 1.nolist
    USER %1
    EXPECT_EQ [caught.vector], USER_EXIT
%endmacro

main:
    call setup_paging
    call translation
    call protection
    call write_protect
    call accessed_dirty
    call invalidation
    call page_crossing
    call implicit_accesses
    call address_spaces
    call large_pages
    call global_pages
    call pae
    call nx
    call control_registers
    ret

; Ring-3 probes of page T0
user_read:
    mov eax, [T0]
    int USER_EXIT
user_write:
    mov [T0], eax
    int USER_EXIT
user_modify:
    add dword [T0], 1
    int USER_EXIT

; ---------------------------------------------------------------------------------------------------------------------------------
translation:
    GROUP "translation and not-present faults"
    mov dword [T0], 0xAAAA0000
    mov dword [T1], 0xBBBB0000
    MAP_PAGE T0, T1, PAGE_RW                    ; two linear pages on one frame
    EXPECT_EQ [T0], 0xBBBB0000
    mov dword [T0 + 4], 0x12345678
    EXPECT_EQ [T1 + 4], 0x12345678
    MAP_PAGE T0, T0, PAGE_RW
    EXPECT_EQ [T0], 0xAAAA0000
    SET_PAGE T0, 0
    PAGE_FAULT 0, T0, {mov eax, [T0]}
    PAGE_FAULT PF_W, T0 + 0xFFC, {mov [T0 + 0xFFC], eax}
    PAGE_FAULT PF_W, T0, {inc dword [T0]}       ; a read-modify-write is a write
    PAGE_FAULT PF_W, T0, {xchg [T0], eax}
    PAGE_FAULT PF_W, T0, {cmpxchg [T0], eax}
    PAGE_FAULT 0, T0, {test dword [T0], 1}
    PAGE_FAULT 0, T0, {cmp byte [T0], 1}
    PAGE_FAULT 0, T0, {push dword [T0]}
    PAGE_FAULT PF_W, T0, {fstp qword [T0]}
    USER_FAULT PF_U, T0, user_read
    USER_FAULT PF_U | PF_W, T0, user_write
    USER_FAULT PF_U | PF_W, T0, user_modify
    ; a missing directory entry looks the same
    PAGE_FAULT 0, UNMAPPED + 0x123, {mov al, [UNMAPPED + 0x123]}
    PAGE_FAULT PF_W, UNMAPPED, {mov [UNMAPPED], al}
    ; the other bits of a not-present entry are the system's: any pattern is fine
    mov dword [page_tables + (T0 >> 12) * 4], 0xFFFFFFFE
    invlpg [T0]
    PAGE_FAULT 0, T0, {mov eax, [T0]}
    ; instruction fetch; without NX there is no bit for it
    mov ebx, T0 + 0x10
    TRY
    call ebx
    END_TRY
    EXPECT_FAULT VEC_PF, 0, T0 + 0x10
    EXPECT_EQ [caught.cr2], T0 + 0x10
    ; not-present entries are never cached: making one present needs no INVLPG
    mov dword [page_tables + (T0 >> 12) * 4], T0 | PAGE_RW
    RUNS mov eax, [T0]
    ; an access that does not fault does not change CR2, and CR2 can be written
    mov eax, 0x1234ABCD
    mov cr2, eax
    mov ebx, [T0]
    mov eax, cr2
    EXPECT_EQ eax, 0x1234ABCD
    ret

protection:
    GROUP "user and supervisor, read and write"
    SET_CR0 0, CR0_WP
    ; the rights of a page are those that both levels grant
    SET_PAGE T0, PTE_P | PTE_W                  ; supervisor
    RUNS mov [T0], eax
    USER_FAULT PF_P | PF_U, T0, user_read
    USER_FAULT PF_P | PF_U | PF_W, T0, user_write
    SET_PAGE T0, PTE_P | PTE_U                  ; user, read-only
    USER_RUNS user_read
    USER_FAULT PF_P | PF_U | PF_W, T0, user_write
    USER_FAULT PF_P | PF_U | PF_W, T0, user_modify
    RUNS mov [T0], eax                          ; supervisor writes go through while WP = 0
    SET_PAGE T0, PAGE_RW
    USER_RUNS user_modify
    ; the directory entry says no: whole 4 MiB region of T0
    and dword [page_directory + (T0 >> 22) * 4], ~PTE_U
    mov eax, cr3
    mov cr3, eax
    USER_FAULT PF_P | PF_U, T0, user_read
    or dword [page_directory + (T0 >> 22) * 4], PTE_U
    and dword [page_directory + (T0 >> 22) * 4], ~PTE_W
    mov eax, cr3
    mov cr3, eax
    USER_RUNS user_read
    USER_FAULT PF_P | PF_U | PF_W, T0, user_write
    RUNS mov [T0], eax
    or dword [page_directory + (T0 >> 22) * 4], PTE_W
    mov eax, cr3
    mov cr3, eax
    ; fetching from a supervisor page in ring 3
    mov word [T0], USER_EXIT << 8 | 0xCD
    USER T0
    EXPECT_FAULT USER_EXIT
    SET_PAGE T0, PTE_P | PTE_W
    USER T0
    EXPECT_FAULT VEC_PF, PF_P | PF_U, T0
    SET_PAGE T0, PAGE_RW
    ret

write_protect:
    GROUP "CR0.WP"
    SET_CR0 CR0_WP, 0
    mov dword [T0], 0x11111111
    SET_PAGE T0, PTE_P | PTE_U
    PAGE_FAULT PF_P | PF_W, T0, {mov dword [T0], 5}
    PAGE_FAULT PF_P | PF_W, T0, {inc dword [T0]}
    EXPECT_EQ [T0], 0x11111111
    ; CMPXCHG writes even when the comparison fails, so it faults either way, and leaves EAX alone
    mov eax, 0x99999999
    PAGE_FAULT PF_P | PF_W, T0, {cmpxchg [T0], ecx}
    EXPECT_EQ eax, 0x99999999
    ; a shift or BTS by nothing is still a write; CMP, TEST, BT are not
    mov cl, 0
    PAGE_FAULT PF_P | PF_W, T0, {bts dword [T0], 0}
    RUNS bt dword [T0], 0
    RUNS cmp dword [T0], 0
    PAGE_FAULT PF_P | PF_W, T0, {xadd [T0], eax}
    EXPECT_EQ eax, 0x99999999
    PAGE_FAULT PF_P | PF_W, T0, {xchg [T0], eax}
    EXPECT_EQ eax, 0x99999999
    SET_CR0 0, CR0_WP                           ; takes effect at once, also for cached translations
    RUNS mov dword [T0], 5
    SET_CR0 CR0_WP, 0
    PAGE_FAULT PF_P | PF_W, T0, {mov dword [T0], 6}
    EXPECT_EQ [T0], 5
    SET_CR0 0, CR0_WP
    SET_PAGE T0, PAGE_RW
    ret

accessed_dirty:
    GROUP "accessed and dirty bits"
    SET_PAGE T0, PAGE_RW
    and dword [page_directory + (T0 >> 22) * 4], ~ANY_AD
    mov eax, cr3
    mov cr3, eax
    EXPECT_PTE T0, 0, ANY_AD
    mov eax, [T0]
    EXPECT_PTE T0, PTE_A, ANY_AD
    mov eax, [page_directory + (T0 >> 22) * 4]
    and eax, PTE_A
    EXPECT_EQ eax, PTE_A
    mov [T0], eax                               ; the translation is cached by now, and D must be set all the same
    EXPECT_PTE T0, PTE_A | PTE_D, ANY_AD
    ; a directory entry of a page table has no dirty bit
    mov eax, [page_directory + (T0 >> 22) * 4]
    and eax, PTE_D
    EXPECT_EQ eax, 0
    ; clearing them works after an invalidation
    SET_PAGE T0, PAGE_RW
    mov [T0], eax
    EXPECT_PTE T0, PTE_A | PTE_D, ANY_AD
    ; a write that faults does not set D
    SET_PAGE T0, PTE_P | PTE_U
    USER_FAULT PF_P | PF_U | PF_W, T0, user_write
    EXPECT_PTE T0, 0, PTE_D
    ; fetching sets A
    mov byte [T1], 0xC3
    SET_PAGE T1, PAGE_RW
    mov eax, T1
    call eax
    EXPECT_PTE T1, PTE_A, ANY_AD
    ; a string copy touches the one and dirties the other
    SET_PAGE T0, PAGE_RW
    SET_PAGE T1, PAGE_RW
    mov esi, T0
    mov edi, T1
    mov ecx, 4
    cld
    rep movsd
    EXPECT_PTE T0, PTE_A, ANY_AD
    EXPECT_PTE T1, PTE_A | PTE_D, ANY_AD
    ret

invalidation:
    GROUP "INVLPG and CR3"
    mov dword [T0], 0xA0
    mov dword [T1], 0xB1
    mov dword [T2], 0xC2
    mov eax, [T0]                               ; in the TLB now
    mov dword [page_tables + (T0 >> 12) * 4], T1 | PAGE_RW
    invlpg [T0 + 0x7FF]                         ; any address in the page
    EXPECT_EQ [T0], 0xB1
    mov dword [page_tables + (T0 >> 12) * 4], T2 | PAGE_RW
    mov eax, cr3
    mov cr3, eax
    EXPECT_EQ [T0], 0xC2
    ; turning paging off and on flushes as well
    mov dword [page_tables + (T0 >> 12) * 4], T1 | PAGE_RW
    SET_CR0 0, CR0_PG
    EXPECT_EQ [T0], 0xA0
    SET_CR0 CR0_PG, 0
    EXPECT_EQ [T0], 0xB1
    SET_PAGE T0, PAGE_RW
    ; taking rights away
    mov [T0], eax
    SET_PAGE T0, PTE_P | PTE_U
    SET_CR0 CR0_WP, 0
    PAGE_FAULT PF_P | PF_W, T0, {mov [T0], eax}
    ; giving rights needs no INVLPG in the end: a stale entry may fault once, and that fault drops it
    mov dword [page_tables + (T0 >> 12) * 4], T0 | PAGE_RW
    TRY
    mov [T0], eax
    END_TRY
    RUNS mov [T0], eax
    SET_CR0 0, CR0_WP
    ; code: a page that runs, is remapped to another frame, and runs again
    mov dword [T1], 0x000001B8                  ; mov eax, 1; ret
    mov word [T1 + 4], 0xC300
    mov dword [T2], 0x000002B8                  ; mov eax, 2; ret
    mov word [T2 + 4], 0xC300
    MAP_PAGE T0, T1, PAGE_RW
    mov ebx, T0
    call ebx
    EXPECT_EQ eax, 1
    MAP_PAGE T0, T2, PAGE_RW
    call ebx
    EXPECT_EQ eax, 2
    MAP_PAGE T0, T1, PAGE_RW
    call ebx
    EXPECT_EQ eax, 1
    SET_PAGE T0, PAGE_RW
    ; INVLPG of a page without a mapping, and through a segment limit's end, is no access
    RUNS invlpg [UNMAPPED]
    ret

page_crossing:
    GROUP "accesses across two pages"
    ; two linear neighbours on frames that are not neighbours, in the wrong order
    MAP_PAGE T0, T3, PAGE_RW
    mov dword [T3 + 0xFFC], 0
    mov dword [T1], 0
    mov dword [T1 - 2], 0x44332211
    movzx eax, word [T3 + 0xFFE]
    EXPECT_EQ eax, 0x2211
    movzx eax, word [T1]
    EXPECT_EQ eax, 0x4433
    EXPECT_EQ [T1 - 2], 0x44332211
    add dword [T1 - 1], 0x01FF                  ; 00443322h + 1FFh
    EXPECT_EQ [T1 - 2], 0x44352111
    ; the second page is missing: CR2 is its first byte, and nothing of the write happened
    mov dword [T1 - 4], 0x55555555
    SET_PAGE T1, 0
    PAGE_FAULT 0, T1, {mov eax, [T1 - 3]}
    PAGE_FAULT PF_W, T1, {mov dword [T1 - 3], -1}
    PAGE_FAULT PF_W, T1, {add dword [T1 - 3], 1}
    PAGE_FAULT PF_W, T1, {fstp qword [T1 - 4]}
    EXPECT_EQ [T1 - 4], 0x55555555
    ; the second is read-only
    SET_CR0 CR0_WP, 0
    SET_PAGE T1, PTE_P
    PAGE_FAULT PF_P | PF_W, T1, {mov dword [T1 - 3], -1}
    EXPECT_EQ [T1 - 4], 0x55555555
    ; the first is missing: CR2 is the operand's address
    SET_PAGE T1, PAGE_RW
    SET_PAGE T0, 0
    PAGE_FAULT 0, T1 - 3, {mov eax, [T1 - 3]}
    PAGE_FAULT PF_W, T1 - 1, {mov word [T1 - 1], ax}
    SET_CR0 0, CR0_WP
    SET_PAGE T0, PAGE_RW
    ret

implicit_accesses:
    GROUP "the CPU's own accesses"
    ; Descriptor tables and the TSS are read with supervisor rights at any CPL; in their faults U is clear.
    SET_DESC S0, T0, PAGE - 1, ACC_P | SYS_LDT, 0
    mov dword [T0], 0x0000FFFF
    mov dword [T0 + 4], 0x00CFF200              ; DPL 3 data, flat, not accessed
    mov eax, S0
    lldt ax
    SET_PAGE T0, PTE_P | PTE_W                  ; supervisor only
    USER .load
    EXPECT_EQ [caught.vector], USER_EXIT        ; the user may not read the table, the CPU may
    EXPECT_EQ [T0 + 4], 0x00CFF300              ; and it has set the accessed bit
    SET_PAGE T0, 0
    USER .load
    EXPECT_FAULT VEC_PF, 0, .load_at
    EXPECT_EQ [caught.cr2], T0
    ; setting the accessed bit is a write, and honours WP
    SET_PAGE T0, PTE_P | PTE_W
    mov dword [T0 + 4], 0x00CFF200
    SET_CR0 CR0_WP, 0
    SET_PAGE T0, PTE_P
    USER .load
    EXPECT_FAULT VEC_PF, PF_P | PF_W, .load_at
    SET_PAGE T0, PTE_P | PTE_W
    mov dword [T0 + 4], 0x00CFF300              ; already accessed: no write, no fault
    SET_PAGE T0, PTE_P
    USER .load
    EXPECT_EQ [caught.vector], USER_EXIT
    SET_CR0 0, CR0_WP
    xor eax, eax
    lldt ax
    SET_PAGE T0, PAGE_RW
    ret
.load:
    mov eax, 7                                  ; LDT, index 0, RPL 3
.load_at:
    mov fs, ax
    int USER_EXIT

section .bss
alignb PAGE
other_directory: resd 1024
other_table:     resd 1024
section .text

address_spaces:
    GROUP "switching CR3"
    ; a second space that differs in T0 alone
    cld
    mov esi, page_directory
    mov edi, other_directory
    mov ecx, 1024
    rep movsd
    mov esi, page_tables + (T0 >> 22) * PAGE
    mov edi, other_table
    mov ecx, 1024
    rep movsd
    mov dword [other_directory + (T0 >> 22) * 4], other_table + PAGE_RW
    mov dword [other_table + ((T0 >> 12) & 1023) * 4], T1 | PAGE_RW
    mov dword [T0], 1
    mov dword [T1], 2
    mov ecx, 100
    xor ebx, ebx
.switch:
    mov eax, other_directory
    mov cr3, eax
    add ebx, [T0]
    mov eax, page_directory
    mov cr3, eax
    add ebx, [T0]
    loop .switch
    EXPECT_EQ ebx, 300
    ; PWT and PCD are kept in CR3; they only steer caches
    mov eax, page_directory + PTE_PWT + PTE_PCD
    mov cr3, eax
    mov eax, cr3
    EXPECT_EQ eax, page_directory + PTE_PWT + PTE_PCD
    mov eax, page_directory
    mov cr3, eax
    ret

large_pages:
    GROUP "4 MiB pages"
    ; LARGE is mapped to physical 8 MiB, where the test window is. Without CR4.PSE, bit 7 of a directory entry means nothing and the
    ; entry points to a page table.
    mov dword [T1], 0xFACEFACE
    mov dword [page_directory + (LARGE >> 22) * 4], page_tables + 2 * PAGE + (PAGE_RW | PTE_PS)
    RUNS mov eax, [LARGE + 0x1000]
    EXPECT_EQ eax, 0xFACEFACE
    mov dword [page_directory + (LARGE >> 22) * 4], TEST_PAGES | PAGE_RW | PTE_PS
    SET_CR4 CR4_PSE, 0
    mov eax, cr3
    mov cr3, eax
    mov eax, [LARGE + 0x1000]
    EXPECT_EQ eax, 0xFACEFACE
    mov eax, [page_directory + (LARGE >> 22) * 4]
    and eax, ANY_AD
    EXPECT_EQ eax, PTE_A
    mov dword [LARGE + 0x3FFFFC], 0x4AD4AD4A
    EXPECT_EQ [TEST_PAGES + 0x3FFFFC], 0x4AD4AD4A
    mov eax, [page_directory + (LARGE >> 22) * 4]
    and eax, ANY_AD
    EXPECT_EQ eax, PTE_A | PTE_D                ; here the directory entry is the leaf
    ; protection
    SET_CR0 CR0_WP, 0
    mov dword [page_directory + (LARGE >> 22) * 4], TEST_PAGES | PTE_P | PTE_PS
    invlpg [LARGE + 0x234567]                   ; one INVLPG anywhere in it drops the whole page
    PAGE_FAULT PF_P | PF_W, LARGE + 0x1000, {mov [LARGE + 0x1000], eax}
    RUNS mov eax, [LARGE + 0x2000]
    USER .user
    EXPECT_FAULT VEC_PF, PF_P | PF_U, .user
    SET_CR0 0, CR0_WP
    ; bit 21 of such an entry is reserved
    mov dword [page_directory + (LARGE >> 22) * 4], TEST_PAGES | PAGE_RW | PTE_PS | 1 << 21
    invlpg [LARGE]
    PAGE_FAULT PF_P | PF_RSVD, LARGE, {mov eax, [LARGE]}
    PAGE_FAULT PF_P | PF_RSVD | PF_W, LARGE + 4, {mov [LARGE + 4], eax}
    ; not when it is not present
    mov dword [page_directory + (LARGE >> 22) * 4], (TEST_PAGES | PTE_PS | 1 << 21) & ~PTE_P
    PAGE_FAULT 0, LARGE, {mov eax, [LARGE]}
    ; PSE off again: the entry is a table pointer once more
    mov dword [page_directory + (LARGE >> 22) * 4], page_tables + 2 * PAGE + (PAGE_RW | PTE_PS)
    SET_CR4 0, CR4_PSE
    RUNS mov eax, [LARGE + 0x1000]
    EXPECT_EQ eax, 0xFACEFACE
    mov dword [page_directory + (LARGE >> 22) * 4], 0
    mov eax, cr3
    mov cr3, eax
    ret
.user:
    mov eax, [LARGE]

global_pages:
    GROUP "global pages"
    ; Whether a global translation survives a CR3 load is up to the CPU; that INVLPG and a change of CR4.PGE drop it is not.
    SET_CR4 CR4_PGE, 0
    mov dword [T1], 0x11
    mov dword [T2], 0x22
    MAP_PAGE T0, T1, PAGE_RW | PTE_G
    EXPECT_EQ [T0], 0x11
    mov dword [page_tables + (T0 >> 12) * 4], T2 | PAGE_RW | PTE_G
    invlpg [T0]
    EXPECT_EQ [T0], 0x22
    mov dword [page_tables + (T0 >> 12) * 4], T1 | PAGE_RW | PTE_G
    SET_CR4 0, CR4_PGE
    EXPECT_EQ [T0], 0x11
    SET_CR4 CR4_PGE, 0
    EXPECT_EQ [T0], 0x11
    ; a page that is not global goes with CR3, also while PGE is on
    MAP_PAGE T0, T1, PAGE_RW
    mov eax, [T0]
    mov dword [page_tables + (T0 >> 12) * 4], T2 | PAGE_RW
    mov eax, cr3
    mov cr3, eax
    EXPECT_EQ [T0], 0x22
    SET_CR4 0, CR4_PGE
    SET_PAGE T0, PAGE_RW
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
; PAE: four directory pointers in a 32-byte table, 64-bit entries, 2 MiB large pages.
section .bss
alignb PAGE
pae_pointers:   resq 4
alignb PAGE
pae_directory:  resq 512
pae_directory2: resq 512
pae_table:      resq 512        ; for the 2 MiB at TEST_PAGES
section .text
PAE_T equ pae_table + ((TEST_PAGES >> 12) & 511) * 8
PAE_DIR_T equ pae_directory + (TEST_PAGES >> 21) * 8

pae_on:
    pushad
    cld
    mov edi, pae_pointers
    xor eax, eax
    mov ecx, 4 * PAGE / 4
    rep stosd
    mov edi, pae_directory              ; 16 MiB in large pages ...
    mov eax, PAGE_RW | PTE_PS
    mov ecx, 8
.large:
    mov [edi], eax
    add eax, 0x200000
    add edi, 8
    loop .large
    mov edi, pae_table                  ; ... except the window
    mov eax, TEST_PAGES | PAGE_RW
    mov ecx, 512
.small:
    mov [edi], eax
    add eax, PAGE
    add edi, 8
    loop .small
    mov dword [PAE_DIR_T], pae_table + PAGE_RW
    mov dword [pae_pointers], pae_directory + PTE_P
    SET_CR0 0, CR0_PG
    SET_CR4 CR4_PAE, 0
    mov eax, pae_pointers
    mov cr3, eax
    SET_CR0 CR0_PG, 0
    popad
    ret

pae:
    GROUP "PAE"
    call pae_on
    mov dword [T0], 0x50AE50AE
    mov dword [T1], 0x0
    EXPECT_EQ [T0], 0x50AE50AE
    mov eax, [PAE_T]
    and eax, ANY_AD
    EXPECT_EQ eax, PTE_A | PTE_D
    mov dword [PAE_T + 8], T0 | PAGE_RW
    invlpg [T1]
    EXPECT_EQ [T1], 0x50AE50AE
    ; the faults
    mov dword [PAE_T], T0
    invlpg [T0]
    PAGE_FAULT 0, T0, {mov eax, [T0]}
    USER_FAULT PF_U | PF_W, T0, user_write
    mov dword [PAE_T], T0 | PTE_P | PTE_W
    USER_FAULT PF_P | PF_U, T0, user_read
    SET_CR0 CR0_WP, 0
    mov dword [PAE_T], T0 | PTE_P | PTE_U
    invlpg [T0]
    PAGE_FAULT PF_P | PF_W, T0, {mov [T0], eax}
    SET_CR0 0, CR0_WP
    mov dword [PAE_T], T0 | PAGE_RW
    ; addresses beyond the four entries' reach do not exist; entry 1 to 3 are not present
    PAGE_FAULT 0, 0x40000000, {mov eax, [0x40000000]}
    PAGE_FAULT PF_W, 0xFFFFFFFC, {mov [0xFFFFFFFC], eax}
    ; The four pointers are registers: they are read when CR3 is loaded, not during walks.
    mov dword [pae_pointers + 8], pae_directory2 + PTE_P
    mov dword [pae_directory2], TEST_PAGES | PAGE_RW | PTE_PS
    PAGE_FAULT 0, 0x40000000, {mov eax, [0x40000000]}
    mov eax, cr3
    mov cr3, eax
    RUNS mov eax, [0x40000000]
    EXPECT_EQ eax, 0x50AE50AE
    mov dword [0x401FFFFC], 0x2A2A2A2A          ; the last dword of the 2 MiB
    EXPECT_EQ [TEST_PAGES + 0x1FFFFC], 0x2A2A2A2A
    mov eax, [pae_directory2]
    and eax, ANY_AD
    EXPECT_EQ eax, PTE_A | PTE_D
    ; a reserved bit in a pointer: #GP on the MOV to CR3, which does nothing then
    mov dword [pae_pointers + 8], pae_directory2 + (PTE_P | PTE_W)
    mov eax, cr3
    FAULTS VEC_GP, 0, mov cr3, eax
    RUNS mov eax, [0x40000000]
    ; no such check for one that is not present
    mov dword [pae_pointers + 8], 0xFFE
    mov eax, cr3
    RUNS mov cr3, eax
    PAGE_FAULT 0, 0x40000000, {mov eax, [0x40000000]}
    ; reserved address bits of an entry: bits 13 to 20 of a 2 MiB page, bit 62
    mov dword [pae_pointers + 8], pae_directory2 + PTE_P
    mov eax, cr3
    mov cr3, eax
    mov dword [pae_directory2], TEST_PAGES | PAGE_RW | PTE_PS | 1 << 14
    PAGE_FAULT PF_P | PF_RSVD, 0x40000000, {mov eax, [0x40000000]}
    mov dword [pae_directory2], TEST_PAGES | PAGE_RW | PTE_PS
    RUNS mov eax, [0x40000000]
    mov dword [PAE_T + 4], 1 << (62 - 32)
    invlpg [T0]
    PAGE_FAULT PF_P | PF_RSVD, T0, {mov eax, [T0]}
    mov dword [PAE_T + 4], 0
    ; without EFER.NXE bit 63 is reserved, too
    mov dword [PAE_T + 4], 1 << 31
    PAGE_FAULT PF_P | PF_RSVD, T0, {mov eax, [T0]}
    mov dword [PAE_T + 4], 0
    invlpg [T0]
    RUNS mov eax, [T0]
    ret

nx:
    GROUP "no-execute"
    mov eax, 0x80000001
    cpuid
    test edx, 1 << 20
    jz .without
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_NXE
    wrmsr
    mov byte [T0], 0xC3                         ; ret
    mov eax, T0
    RUNS call eax
    mov dword [PAE_T + 4], 1 << 31
    invlpg [T0]
    TRY
    mov eax, T0
    call eax
    END_TRY
    EXPECT_FAULT VEC_PF, PF_P | PF_I, T0
    EXPECT_EQ [caught.cr2], T0
    USER T0
    EXPECT_FAULT VEC_PF, PF_P | PF_I | PF_U, T0
    RUNS mov eax, [T0]                          ; data is not concerned
    RUNS mov [T0], eax
    ; the fetch bit is reported for missing pages, too, while NXE is on
    mov dword [PAE_T], T0
    mov dword [PAE_T + 4], 0
    invlpg [T0]
    TRY
    mov eax, T0
    call eax
    END_TRY
    EXPECT_FAULT VEC_PF, PF_I, T0
    ; NX in the directory entry covers all its pages
    mov dword [PAE_T], T0 | PAGE_RW
    mov dword [PAE_DIR_T + 4], 1 << 31
    mov eax, cr3
    mov cr3, eax
    TRY
    mov eax, T0
    call eax
    END_TRY
    EXPECT_FAULT VEC_PF, PF_P | PF_I, T0
    mov dword [PAE_DIR_T + 4], 0
    mov eax, cr3
    mov cr3, eax
    ; an instruction that runs from a good page into one that must not be executed
    mov dword [PAE_T + 8], T1 | PAGE_RW
    mov dword [PAE_T + 12], 1 << 31
    invlpg [T1]
    mov byte [T1 - 1], 0xB8
    TRY
    mov eax, T1 - 1
    jmp eax
    END_TRY
    EXPECT_FAULT VEC_PF, PF_P | PF_I, T1 - 1
    EXPECT_EQ [caught.cr2], T1
    mov ecx, MSR_EFER
    rdmsr
    and eax, ~EFER_NXE
    wrmsr
.without:
    ; back to two levels
    SET_CR0 0, CR0_PG
    SET_CR4 0, CR4_PAE
    mov eax, page_directory
    mov cr3, eax
    SET_CR0 CR0_PG, 0
    RUNS mov eax, [T0]
    ret

control_registers:
    GROUP "CR4"
    mov eax, cr4
    mov ebx, eax
    or eax, 1 << 31                             ; reserved on every CPU so far
    FAULTS VEC_GP, 0, mov cr4, eax
    mov eax, cr4
    EXPECT_EQ eax, ebx
    mov dword [T0], 0x77
    SET_CR0 0, CR0_PG
    EXPECT_EQ [T0], 0x77
    ret

KERNEL_END
