using Emulator.Core.Cpu;
using Emulator.Jit;
using Emulator.Tests.Core;
using Iced.Intel;
using NUnit.Framework;
using static Iced.Intel.AssemblerRegisters;

namespace Emulator.Tests.Simd;

/// <summary>
/// Floating-point instructions in translated code against the interpreter, over all pairs of numbers of every class, with the MXCSR that lets translated
/// code compute on the host: results, MXCSR flags, EFLAGS. Each runs alone and twice in a row, where what the first has checked is known.
/// </summary>
[TestFixture]
public sealed unsafe class TranslatedFloatTests
{
    private const uint Sources = 0x100000;
    private const uint Results = 0x200000;
    private const int PairSize = 32;
    private const uint Setting = 0x1FA0;

    private static readonly ulong[] Doubles =
    [
        0x0000000000000000, 0x8000000000000000, 0x3FF0000000000000, 0xBFF0000000000000, 0x4008000000000000, 0x3FD5555555555555, 0x400921FB54442D18,
        0x41DFFFFFFFC00000, 0x41E0000000000000, 0xC1E0000000000000, 0xC1E0000000200000, 0x3FE0000000000000, 0x0000000000000001, 0x800FFFFFFFFFFFFF,
        0x0010000000000000, 0x001FFFFFFFFFFFFF, 0x1FEFFFFFFFFFFFFF, 0x1FF0000000000000, 0x2000000000000000, 0x5FEFFFFFFFFFFFFF, 0x5FFFFFFFFFFFFFFF,
        0x6000000000000000, 0x07B0000000000000, 0x7E60000000000000, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000000,
        0xFFF8000000001234, 0x7FF0000000000001, 0x36A0000000000000, 0x380FFFFFE0000000, 0x3810000000000000, 0x47EFFFFFF0000000, 0x3FB999999999999A,
    ];

    private static readonly uint[] Singles =
    [
        0x00000000, 0x80000000, 0x3F800000, 0xBF800000, 0x40490FDB, 0x3EAAAAAB, 0x4EFFFFFF, 0x4F000000, 0xCF000000, 0x3F000000, 0x00000001,
        0x807FFFFF, 0x00800000, 0x00FFFFFF, 0x01000000, 0x1FFFFFFF, 0x20000000, 0x5FFFFFFF, 0x60000000, 0x7E000000, 0x7F7FFFFF, 0x7F800000,
        0xFF800000, 0x7FC00000, 0xFFC01234, 0x7F800001, 0x3DCCCCCD,
    ];

    public static IEnumerable<TestCaseData> Operations()
    {
        foreach (int opcode in (int[])[0x51, 0x58, 0x59, 0x5A, 0x5B, 0x5C, 0x5D, 0x5E, 0x5F, 0xE6, 0x2A, 0x2C, 0x2D, 0x2E, 0x2F, 0xC2])
        {
            foreach (int prefix in (int[])[0, 0x66, 0xF2, 0xF3])
            {
                bool known = opcode switch
                {
                    0x2A or 0x2C or 0x2D => prefix is 0xF2 or 0xF3,
                    0x2E or 0x2F => prefix is 0 or 0x66,
                    0x5B => prefix != 0xF2,
                    0xE6 => prefix != 0,
                    _ => true,
                };
                for (int immediate = 0; known && immediate < (opcode == 0xC2 ? 8 : 1); immediate++)
                {
                    yield return new TestCaseData(prefix, opcode, immediate).SetName($"Translated_{prefix:X2}_0F_{opcode:X2}_{immediate}");
                }
            }
        }
    }

    [TestCaseSource(nameof(Operations))]
    public void Translated_code_gives_what_the_interpreter_gives(int prefix, int opcode, int immediate)
    {
        byte[] operation = Encode(prefix, opcode, immediate);
        byte[] sources = MakePairs(prefix is 0x66 or 0xF2 || (opcode == 0xE6) || (opcode == 0x5B && prefix == 0));
        foreach (int times in (int[])[1, 2])
        {
            byte[] code = Assemble(operation, times, sources.Length / PairSize);
            byte[] interpreted = Run(code, sources, translated: false);
            byte[] translated = Run(code, sources, translated: true);
            int difference = interpreted.AsSpan().CommonPrefixLength(translated);
            if (difference != interpreted.Length)
            {
                int pair = difference / PairSize * PairSize;
                Assert.Fail($"{times} times, operands {Convert.ToHexString(sources, pair, PairSize)}: interpreter {Convert.ToHexString(interpreted, pair, PairSize)}, "
                    + $"translator {Convert.ToHexString(translated, pair, PairSize)} (register, MXCSR, EFLAGS, EAX)");
            }
        }
    }

    /// <summary>
    /// Arithmetic that is tested once for all of it, with operands and stores in a structure that lies across page borders now and then and integer
    /// instructions between: over all pairs of numbers, so that the quick test refuses now one instruction, now another.
    /// </summary>
    [Test]
    public void A_run_of_arithmetic_gives_what_the_interpreter_gives([Values] bool doubles, [Values] bool packed)
    {
        byte[] sources = MakePairs(doubles);
        byte[] code = AssembleRuns(doubles, packed, sources.Length / PairSize);
        byte[] interpreted = Run(code, sources, translated: false);
        byte[] translated = Run(code, sources, translated: true);
        int pair = interpreted.AsSpan().CommonPrefixLength(translated) / PairSize * PairSize;
        Assert.That(pair, Is.EqualTo(interpreted.Length), () => $"operands {Convert.ToHexString(sources, pair, PairSize)}: interpreter {Convert.ToHexString(interpreted, pair, PairSize)}, "
            + $"translator {Convert.ToHexString(translated, pair, PairSize)} (register, MXCSR, EFLAGS, a field)");
    }

    /// <summary>A structure of four fields at EBX, 8 bytes further each time; EBP points to it or to its second field.</summary>
    private static byte[] AssembleRuns(bool doubles, bool packed, int count)
    {
        int prefix = packed ? doubles ? 0x66 : 0 : doubles ? 0xF2 : 0xF3;
        Assembler a = new(32);
        Label next = a.CreateLabel();
        a.mov(esi, (int)Sources);
        a.mov(edi, (int)Results);
        a.mov(ebx, 0x180000);
        a.mov(ecx, count);
        a.Label(ref next);
        a.ldmxcsr(__dword_ptr[Results - 4]);
        foreach (int field in (int[])[0, 16])
        {
            a.movups(xmm0, __xmmword_ptr[esi + field]);
            a.movups(__xmmword_ptr[ebx + field], xmm0);
        }

        a.mov(ebp, ebx);
        Access(0x10, 1, 0);
        Access(0x10, 2, 16);
        Registers(0x5C, 1, 2);
        a.cmp(ecx, 5);
        Registers(0x59, 2, 2);
        a.adc(edx, ecx);
        a.movaps(xmm3, xmm1);
        Registers(0x59, 3, 2);
        Access(0x58, 3, 8);
        Registers(0x51, 4, 3);
        Access(0x11, 1, 8);
        Registers(0x5E, 3, 1);
        a.lea(ebp, __dword_ptr[ebx + 8]);
        Registers(0x58, 2, 3);
        a.db([(byte)(doubles ? 0xF2 : 0xF3), 0x0F, 0x58, 0x55, 0x08]);
        Access(0x5D, 4, 0);
        a.movaps(xmm0, xmm2);
        Registers(0x58, 0, 4);
        a.db(doubles ? [0x66, 0x0F, 0x2F, 0xC1] : [0x0F, 0x2F, 0xC1]);
        a.mov(eax, __dword_ptr[ebx + 12]);
        a.lea(eax, __dword_ptr[eax + edx]);
        a.lea(ebx, __dword_ptr[ebx + 8]);
        return Finish(a, next);

        void Registers(int opcode, int first, int second) => Emit(opcode, (byte)(0xC0 | (first << 3) | second));

        void Access(int opcode, int register, int field)
        {
            // 16 bytes of arithmetic must be aligned: by way of XMM5.
            if (packed && opcode is not (0x10 or 0x11))
            {
                Emit(0x10, 0x6B, (byte)field);
                Registers(opcode, register, 5);
            }
            else
            {
                Emit(opcode, (byte)(0x43 | (register << 3)), (byte)field);
            }
        }

        void Emit(int opcode, params ReadOnlySpan<byte> rest) => a.db([.. prefix == 0 ? (byte[])[] : [(byte)prefix], 0x0F, (byte)opcode, .. rest]);
    }

    /// <summary>op xmm0, xmm1; conversions to integers write EAX, those from integers read EDX.</summary>
    private static byte[] Encode(int prefix, int opcode, int immediate)
    {
        List<byte> bytes = prefix == 0 ? [] : [(byte)prefix];
        bytes.AddRange([0x0F, (byte)opcode, opcode == 0x2A ? (byte)0xC2 : (byte)0xC1]);
        if (opcode == 0xC2)
        {
            bytes.Add((byte)immediate);
        }

        return [.. bytes];
    }

    private static byte[] MakePairs(bool doubles)
    {
        List<byte> bytes = [];
        int count = doubles ? Doubles.Length : Singles.Length;
        for (int i = 0; i < count; i++)
        {
            for (int j = 0; j < count; j++)
            {
                if (doubles)
                {
                    Add(Doubles[i], Doubles[j], Doubles[j], Doubles[i]);
                }
                else
                {
                    Add(Pack(Singles[i], Singles[j]), Pack(Singles[2], Singles[i]), Pack(Singles[j], Singles[i]), Pack(Singles[5], Singles[4]));
                }
            }
        }

        return [.. bytes];

        void Add(params ReadOnlySpan<ulong> quadwords)
        {
            foreach (ulong quadword in quadwords)
            {
                bytes.AddRange(BitConverter.GetBytes(quadword));
            }
        }

        static ulong Pack(uint low, uint high) => low | ((ulong)high << 32);
    }

    private static byte[] Assemble(byte[] operation, int times, int count)
    {
        Assembler a = new(32);
        Label next = a.CreateLabel();
        a.mov(esi, (int)Sources);
        a.mov(edi, (int)Results);
        a.mov(ecx, count);
        a.Label(ref next);
        a.ldmxcsr(__dword_ptr[Results - 4]);
        a.movups(xmm0, __xmmword_ptr[esi]);
        a.movups(xmm1, __xmmword_ptr[esi + 16]);
        a.mov(edx, __dword_ptr[esi + 4]);
        a.xor(eax, eax);
        for (int i = 0; i < times; i++)
        {
            a.db(operation);
        }

        return Finish(a, next);
    }

    /// <summary>Stores XMM0, MXCSR, EFLAGS and EAX, and goes on with the next pair.</summary>
    private static byte[] Finish(Assembler a, Label next)
    {
        a.movups(__xmmword_ptr[edi], xmm0);
        a.stmxcsr(__dword_ptr[edi + 16]);
        a.pushfd();
        a.pop(__dword_ptr[edi + 20]);
        a.mov(__dword_ptr[edi + 24], eax);
        a.add(esi, PairSize);
        a.add(edi, PairSize);
        a.dec(ecx);
        a.jne(next);
        a.hlt();
        using MemoryStream stream = new();
        a.Assemble(new StreamCodeWriter(stream), TestMachine.CodeAddress);
        return stream.ToArray();
    }

    private static byte[] Run(byte[] code, byte[] sources, bool translated)
    {
        CpuCore core = TestMachine.Create();
        using JitTranslator translator = new(core, JitOptions.AtFirstSight);
        if (translated)
        {
            translator.Attach();
        }

        TestMachine.RunFlatCode(core, code);
        core.State->Cr0 |= Cr0.NE;
        core.State->Cr4 |= Cr4.OSFXSR | Cr4.OSXMMEXCPT;
        core.Memory.WriteBlock(Sources, sources);
        core.Memory.Write(Results - 4, Setting);
        for (int slice = 0; slice < 1000 && core.State->IsHalted == 0; slice++)
        {
            translator.Poll();
            core.Run(10_000);
        }

        Assert.That(core.State->IsHalted, Is.Not.Zero, "the loop ended");
        if (translated)
        {
            Assert.That(translator.RegionsCompiled, Is.Positive);
        }

        byte[] results = new byte[sources.Length];
        core.Memory.ReadBlock(Results, results);
        return results;
    }
}
