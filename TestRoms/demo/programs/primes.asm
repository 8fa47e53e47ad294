; Counts the prime numbers below 10,000 by dividing, and says how many there are (1229).

%include "program.inc"

    mov edi, 1                          ; 2 is one
    mov esi, 3
candidate:
    mov ecx, 3
divisor:
    mov eax, ecx
    mul ecx
    cmp eax, esi
    ja prime
    mov eax, esi
    xor edx, edx
    div ecx
    test edx, edx
    jz next
    add ecx, 2
    jmp divisor
prime:
    inc edi
next:
    add esi, 2
    cmp esi, 10000
    jb candidate

    mov eax, edi                        ; as decimal digits
    mov edi, digits + 4
    mov ecx, 10
digit:
    xor edx, edx
    div ecx
    add dl, '0'
    dec edi
    mov [edi], dl
    cmp edi, digits
    ja digit
    CALL_KERNEL WRITE, digits, digits_end - digits
    CALL_KERNEL END, 0

digits: db "0000 prime numbers below 10,000", 10
digits_end:
