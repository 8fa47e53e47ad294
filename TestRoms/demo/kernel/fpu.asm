; Floating point, and how tasks share it. SDM volume 3, chapter 2.5 and section 14.4.
;
; The x87 and SSE registers are 108 to 512 bytes, which most tasks never use. So a task switch does not save them: it sets CR0.TS, and the first
; floating-point instruction of the next task raises #NM (vector 7). Only then the last owner's registers are saved and the new one's loaded.

CR0_MP          equ 1 << 1              ; WAIT looks at TS, too
CR0_EM          equ 1 << 2              ; no x87: every use of it traps
CR0_TS          equ 1 << 3
CR0_NE          equ 1 << 5              ; x87 errors come as #MF and not as interrupt 13, as they did on the AT
CR4_OSFXSR      equ 1 << 9
CR4_OSXMMEXCPT  equ 1 << 10

fpu_init:
    mov eax, cr0
    and eax, ~(CR0_EM | CR0_TS)
    or eax, CR0_MP | CR0_NE
    mov cr0, eax
    fninit
    test dword [cpu_features], FEATURE_FXSR
    jz .old
    mov eax, cr4
    or eax, CR4_OSFXSR
    test dword [cpu_features], FEATURE_SSE
    jz .set
    or eax, CR4_OSXMMEXCPT
.set:
    mov cr4, eax
.old:
    mov edi, fpu_fresh
    call fpu_save
    mov dword [handlers + 7 * 4], fpu_wanted
    ret

; fpu_save, fpu_load: EDI = 512 bytes on a boundary of 16.
fpu_save:
    test dword [cpu_features], FEATURE_FXSR
    jz .old
    fxsave [edi]
    ret
.old:
    fnsave [edi]                        ; initializes the registers after saving
    fwait
    ret

fpu_load:
    test dword [cpu_features], FEATURE_FXSR
    jz .old
    fxrstor [edi]
    ret
.old:
    frstor [edi]
    ret

; fpu_wanted: the handler of #NM.
fpu_wanted:
    cmp dword [trap_resume], 0          ; a test looks whether it comes
    jne exception
    clts
    inc dword [fpu_switches]
    mov eax, [current]
    mov ecx, [fpu_owner]
    cmp eax, ecx
    je .done
    jecxz .free
    lea edi, [ecx + Task.fpu]
    call fpu_save
.free:
    mov [fpu_owner], eax
    lea edi, [eax + Task.fpu]
    jmp fpu_load
.done:
    ret

    section .bss
    alignb 16
fpu_fresh: resb 512                     ; the registers as a new task finds them
fpu_owner: resd 1                       ; the task whose values are in the registers; 0 for none
fpu_switches: resd 1
    section .text
