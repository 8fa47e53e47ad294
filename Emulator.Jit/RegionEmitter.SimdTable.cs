using System.Reflection;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Iced.Intel;

namespace Emulator.Jit;

/// <content>
/// Which MMX and SSE instructions have a lowering. Packed integer operations, shuffles and the operations on floating-point numbers are the host's own, found by the
/// name of its vector API; on a host without SSE4.1 the table is empty, and handlers execute all of them.
/// </content>
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>Mnemonic, method of <see cref="Sse2"/>, element type: the new destination from the old and the source.</summary>
    private static readonly (string Name, string Host, Type Element)[] PackedOperations =
    [
        ("Paddb", nameof(Sse2.Add), typeof(byte)),
        ("Paddw", nameof(Sse2.Add), typeof(ushort)),
        ("Paddd", nameof(Sse2.Add), typeof(uint)),
        ("Paddq", nameof(Sse2.Add), typeof(ulong)),
        ("Paddsb", nameof(Sse2.AddSaturate), typeof(sbyte)),
        ("Paddsw", nameof(Sse2.AddSaturate), typeof(short)),
        ("Paddusb", nameof(Sse2.AddSaturate), typeof(byte)),
        ("Paddusw", nameof(Sse2.AddSaturate), typeof(ushort)),
        ("Psubb", nameof(Sse2.Subtract), typeof(byte)),
        ("Psubw", nameof(Sse2.Subtract), typeof(ushort)),
        ("Psubd", nameof(Sse2.Subtract), typeof(uint)),
        ("Psubq", nameof(Sse2.Subtract), typeof(ulong)),
        ("Psubsb", nameof(Sse2.SubtractSaturate), typeof(sbyte)),
        ("Psubsw", nameof(Sse2.SubtractSaturate), typeof(short)),
        ("Psubusb", nameof(Sse2.SubtractSaturate), typeof(byte)),
        ("Psubusw", nameof(Sse2.SubtractSaturate), typeof(ushort)),
        ("Pmullw", nameof(Sse2.MultiplyLow), typeof(short)),
        ("Pmulhw", nameof(Sse2.MultiplyHigh), typeof(short)),
        ("Pmulhuw", nameof(Sse2.MultiplyHigh), typeof(ushort)),
        ("Pmuludq", nameof(Sse2.Multiply), typeof(uint)),
        ("Pmaddwd", nameof(Sse2.MultiplyAddAdjacent), typeof(short)),
        ("Psadbw", nameof(Sse2.SumAbsoluteDifferences), typeof(byte)),
        ("Pavgb", nameof(Sse2.Average), typeof(byte)),
        ("Pavgw", nameof(Sse2.Average), typeof(ushort)),
        ("Pminub", nameof(Sse2.Min), typeof(byte)),
        ("Pmaxub", nameof(Sse2.Max), typeof(byte)),
        ("Pminsw", nameof(Sse2.Min), typeof(short)),
        ("Pmaxsw", nameof(Sse2.Max), typeof(short)),
        ("Pcmpeqb", nameof(Sse2.CompareEqual), typeof(byte)),
        ("Pcmpeqw", nameof(Sse2.CompareEqual), typeof(ushort)),
        ("Pcmpeqd", nameof(Sse2.CompareEqual), typeof(uint)),
        ("Pcmpgtb", nameof(Sse2.CompareGreaterThan), typeof(sbyte)),
        ("Pcmpgtw", nameof(Sse2.CompareGreaterThan), typeof(short)),
        ("Pcmpgtd", nameof(Sse2.CompareGreaterThan), typeof(int)),
        ("Pand", nameof(Sse2.And), typeof(byte)),
        ("Pandn", nameof(Sse2.AndNot), typeof(byte)),
        ("Por", nameof(Sse2.Or), typeof(byte)),
        ("Pxor", nameof(Sse2.Xor), typeof(byte)),
        ("Andps", nameof(Sse2.And), typeof(byte)),
        ("Andpd", nameof(Sse2.And), typeof(byte)),
        ("Andnps", nameof(Sse2.AndNot), typeof(byte)),
        ("Andnpd", nameof(Sse2.AndNot), typeof(byte)),
        ("Orps", nameof(Sse2.Or), typeof(byte)),
        ("Orpd", nameof(Sse2.Or), typeof(byte)),
        ("Xorps", nameof(Sse2.Xor), typeof(byte)),
        ("Xorpd", nameof(Sse2.Xor), typeof(byte)),
        ("Packsswb", nameof(Sse2.PackSignedSaturate), typeof(short)),
        ("Packssdw", nameof(Sse2.PackSignedSaturate), typeof(int)),
        ("Packuswb", nameof(Sse2.PackUnsignedSaturate), typeof(short)),
        ("Punpcklbw", nameof(Sse2.UnpackLow), typeof(byte)),
        ("Punpcklwd", nameof(Sse2.UnpackLow), typeof(ushort)),
        ("Punpckldq", nameof(Sse2.UnpackLow), typeof(uint)),
        ("Punpcklqdq", nameof(Sse2.UnpackLow), typeof(ulong)),
        ("Punpckhbw", nameof(Sse2.UnpackHigh), typeof(byte)),
        ("Punpckhwd", nameof(Sse2.UnpackHigh), typeof(ushort)),
        ("Punpckhdq", nameof(Sse2.UnpackHigh), typeof(uint)),
        ("Punpckhqdq", nameof(Sse2.UnpackHigh), typeof(ulong)),
        ("Unpcklps", nameof(Sse2.UnpackLow), typeof(uint)),
        ("Unpckhps", nameof(Sse2.UnpackHigh), typeof(uint)),
        ("Unpcklpd", nameof(Sse2.UnpackLow), typeof(double)),
        ("Unpckhpd", nameof(Sse2.UnpackHigh), typeof(double)),
    ];

    private static readonly (string Name, string Host, Type Element)[] Shifts =
    [
        ("Psllw", nameof(Sse2.ShiftLeftLogical), typeof(ushort)),
        ("Pslld", nameof(Sse2.ShiftLeftLogical), typeof(uint)),
        ("Psllq", nameof(Sse2.ShiftLeftLogical), typeof(ulong)),
        ("Psrlw", nameof(Sse2.ShiftRightLogical), typeof(ushort)),
        ("Psrld", nameof(Sse2.ShiftRightLogical), typeof(uint)),
        ("Psrlq", nameof(Sse2.ShiftRightLogical), typeof(ulong)),
        ("Psraw", nameof(Sse2.ShiftRightArithmetic), typeof(short)),
        ("Psrad", nameof(Sse2.ShiftRightArithmetic), typeof(int)),
    ];

    /// <summary>Mnemonic without suffix, method, second look.</summary>
    private static readonly (string Name, string Host, SimdCheck Check)[] Arithmetic =
    [
        ("Add", "Add", SimdCheck.Sum),
        ("Sub", "Subtract", SimdCheck.Sum),
        ("Mul", "Multiply", SimdCheck.Product),
        ("Div", "Divide", SimdCheck.Quotient),
        ("Sqrt", "Sqrt", SimdCheck.Root),
        ("Min", "Min", SimdCheck.Order),
        ("Max", "Max", SimdCheck.Order),
    ];

    /// <summary>Initialized behind the tables above.</summary>
    private static readonly Dictionary<Code, SimdRow> SimdRows = BuildSimdRows();

    private static Dictionary<Code, SimdRow> BuildSimdRows()
    {
        Dictionary<Code, SimdRow> rows = [];
        if (!Sse41.IsSupported)
        {
            return rows;
        }

        AddIntegerRows(rows);
        AddMoveRows(rows);
        AddFloatRows(rows);
        AddConversionRows(rows);
        AddMmxRows(rows);
        foreach ((Code code, SimdRow row) in rows)
        {
            string[] parts = code.ToString().Split('_');
            row.IsXmm0 = parts.Length > 1 && parts[1].StartsWith("xmm", StringComparison.Ordinal);
            row.IsXmm1 = parts.Length > 2 && parts[2].StartsWith("xmm", StringComparison.Ordinal);
            row.IsStore = parts.Length > 1 && (parts[1] is "xmmm128" or "xmmm64" or "xmmm32" or "mmm64" or "rm32" || parts[1].StartsWith('m') && parts[1] != "mm");
            row.WritesGeneral = parts.Length > 1 && parts[1] is "r32" or "rm32";
        }

        return rows;
    }

    private static void AddIntegerRows(Dictionary<Code, SimdRow> rows)
    {
        foreach ((string name, string host, Type element) in PackedOperations)
        {
            Type vector = VectorMethods.Of(element);
            rows[Parse($"{name}_xmm_xmmm128")] = new SimdRow { Lower = LowerPacked, Host = VectorMethods.X86(typeof(Sse2), host, vector, vector), Name = name };
        }

        foreach ((string name, string host, Type element) in Shifts)
        {
            Type vector = VectorMethods.Of(element);
            rows[Parse($"{name}_xmm_xmmm128")] = new SimdRow { Lower = LowerPacked, Host = VectorMethods.X86(typeof(Sse2), host, vector, vector), Name = name };
            rows[Parse($"{name}_xmm_imm8")] = new SimdRow { Lower = LowerShiftImmediate, Host = VectorMethods.X86(typeof(Sse2), host, vector, typeof(byte)) };
        }

        rows[Code.Pslldq_xmm_imm8] = new SimdRow
        {
            Lower = LowerShiftImmediate,
            Host = VectorMethods.X86(typeof(Sse2), nameof(Sse2.ShiftLeftLogical128BitLane), VectorMethods.Vector, typeof(byte)),
        };
        rows[Code.Psrldq_xmm_imm8] = new SimdRow
        {
            Lower = LowerShiftImmediate,
            Host = VectorMethods.X86(typeof(Sse2), nameof(Sse2.ShiftRightLogical128BitLane), VectorMethods.Vector, typeof(byte)),
        };
        Type words = VectorMethods.Of(typeof(ushort));
        Type singles = VectorMethods.Of(typeof(float));
        Type doubles = VectorMethods.Of(typeof(double));
        AddShuffle(rows, Code.Pshufd_xmm_xmmm128_imm8, true, VectorMethods.X86(typeof(Sse2), nameof(Sse2.Shuffle), VectorMethods.Of(typeof(uint)), typeof(byte)));
        AddShuffle(rows, Code.Pshuflw_xmm_xmmm128_imm8, true, VectorMethods.X86(typeof(Sse2), nameof(Sse2.ShuffleLow), words, typeof(byte)));
        AddShuffle(rows, Code.Pshufhw_xmm_xmmm128_imm8, true, VectorMethods.X86(typeof(Sse2), nameof(Sse2.ShuffleHigh), words, typeof(byte)));
        AddShuffle(rows, Code.Shufps_xmm_xmmm128_imm8, false, VectorMethods.X86(typeof(Sse), nameof(Sse.Shuffle), singles, singles, typeof(byte)));
        AddShuffle(rows, Code.Shufpd_xmm_xmmm128_imm8, false, VectorMethods.X86(typeof(Sse2), nameof(Sse2.Shuffle), doubles, doubles, typeof(byte)));
        rows[Code.Pmovmskb_r32_xmm] = new SimdRow { Lower = LowerMask, Host = VectorMethods.X86(typeof(Sse2), nameof(Sse2.MoveMask), VectorMethods.Vector) };
        rows[Code.Movmskps_r32_xmm] = new SimdRow { Lower = LowerMask, Host = VectorMethods.X86(typeof(Sse), nameof(Sse.MoveMask), singles) };
        rows[Code.Movmskpd_r32_xmm] = new SimdRow { Lower = LowerMask, Host = VectorMethods.X86(typeof(Sse2), nameof(Sse2.MoveMask), doubles) };
        rows[Code.Pextrw_r32_xmm_imm8] = new SimdRow { Lower = LowerExtract, Host = VectorMethods.X86(typeof(Sse2), nameof(Sse2.Extract), words, typeof(byte)) };
        rows[Code.Pinsrw_xmm_r32m16_imm8] = new SimdRow
        {
            Lower = LowerInsert,
            Host = VectorMethods.X86(typeof(Sse2), nameof(Sse2.Insert), words, typeof(ushort), typeof(byte)),
        };
    }

    private static void AddShuffle(Dictionary<Code, SimdRow> rows, Code code, bool unary, MethodInfo host) =>
        rows[code] = new SimdRow { Lower = LowerShuffle, Host = host, IsUnary = unary };

    private static void AddMoveRows(Dictionary<Code, SimdRow> rows)
    {
        foreach (string name in (string[])["Movaps", "Movapd", "Movdqa", "Movups", "Movupd", "Movdqu"])
        {
            bool aligned = !name.Contains('u', StringComparison.Ordinal);
            rows[Parse($"{name}_xmm_xmmm128")] = new SimdRow { Lower = LowerMoveWhole, IsAligned = aligned };
            rows[Parse($"{name}_xmmm128_xmm")] = new SimdRow { Lower = LowerMoveWhole, IsAligned = aligned };
        }

        foreach (Code code in (Code[])[Code.Movntps_m128_xmm, Code.Movntpd_m128_xmm, Code.Movntdq_m128_xmm])
        {
            rows[code] = new SimdRow { Lower = LowerMoveWhole };
        }

        AddLow(Code.Movss_xmm_xmmm32, Code.Movss_xmmm32_xmm, 4, "Merge");
        AddLow(Code.Movsd_xmm_xmmm64, Code.Movsd_xmmm64_xmm, 8, "Merge");
        AddLow(Code.Movq_xmm_xmmm64, Code.Movq_xmmm64_xmm, 8, "Zero");
        rows[Code.Movd_xmm_rm32] = new SimdRow { Lower = LowerMovd, Size = 4 };
        rows[Code.Movd_rm32_xmm] = new SimdRow { Lower = LowerMovd, Size = 4 };
        foreach (string suffix in (string[])["s", "d"])
        {
            rows[Parse($"Movlp{suffix}_xmm_m64")] = new SimdRow { Lower = LowerLoadHalf, Size = 8, Name = "Low" };
            rows[Parse($"Movlp{suffix}_m64_xmm")] = new SimdRow { Lower = LowerMoveLow, Size = 8, Name = "Merge" };
            rows[Parse($"Movhp{suffix}_xmm_m64")] = new SimdRow { Lower = LowerLoadHalf, Size = 8, Name = "High" };
            rows[Parse($"Movhp{suffix}_m64_xmm")] = new SimdRow { Lower = LowerStoreHigh, Size = 8 };
        }

        Type doubles = VectorMethods.Of(typeof(double));
        rows[Code.Movlhps_xmm_xmm] = new SimdRow { Lower = LowerPacked, Name = "Movlhps", Host = VectorMethods.X86(typeof(Sse2), nameof(Sse2.UnpackLow), doubles, doubles) };
        rows[Code.Movhlps_xmm_xmm] = new SimdRow { Lower = LowerMovhlps, Host = VectorMethods.X86(typeof(Sse2), nameof(Sse2.UnpackHigh), doubles, doubles) };
        rows[Code.Movnti_m32_r32] = new SimdRow { Lower = LowerMovnti, Needs = SimdNeeds.None, Size = 4 };
        rows[Code.Stmxcsr_m32] = new SimdRow { Lower = LowerStmxcsr, Size = 4 };
        foreach (Code code in (Code[])[Code.Pause, Code.Prefetchnta_m8, Code.Prefetcht0_m8, Code.Prefetcht1_m8, Code.Prefetcht2_m8])
        {
            rows[code] = new SimdRow { Lower = LowerNothing, Needs = SimdNeeds.None };
        }

        for (Code code = Code.Lfence; code <= Code.Sfence_FF; code++)
        {
            if (code.ToString()[1..].StartsWith("fence", StringComparison.Ordinal))
            {
                rows[code] = new SimdRow { Lower = LowerNothing, Needs = SimdNeeds.None };
            }
        }

        void AddLow(Code load, Code store, int size, string name)
        {
            rows[load] = new SimdRow { Lower = LowerMoveLow, Size = size, Name = name };
            rows[store] = new SimdRow { Lower = LowerMoveLow, Size = size, Name = name };
        }
    }

    private static void AddFloatRows(Dictionary<Code, SimdRow> rows)
    {
        foreach ((string name, string host, SimdCheck check) in Arithmetic)
        {
            AddArithmetic(rows, name, host, check, "sd");
            AddArithmetic(rows, name, host, check, "ss");
            AddArithmetic(rows, name, host, check, "pd");
            AddArithmetic(rows, name, host, check, "ps");
        }

        foreach (string mnemonic in (string[])["Comis", "Ucomis"])
        {
            rows[Parse($"{mnemonic}d_xmm_xmmm64")] = new SimdRow
            {
                Lower = LowerOrder,
                Operands = SimdLanes.Double,
                Size = 8,
                OnlyFlags = true,
                Check = SimdCheck.Order,
            };
            rows[Parse($"{mnemonic}s_xmm_xmmm32")] = new SimdRow
            {
                Lower = LowerOrder,
                Operands = SimdLanes.Single,
                Size = 4,
                OnlyFlags = true,
                Check = SimdCheck.Order,
            };
        }

        rows[Code.Cmpsd_xmm_xmmm64_imm8] = new SimdRow { Lower = LowerCompare, Operands = SimdLanes.Double, Size = 8, Check = SimdCheck.Order, Name = "Scalar" };
        rows[Code.Cmpss_xmm_xmmm32_imm8] = new SimdRow { Lower = LowerCompare, Operands = SimdLanes.Single, Size = 4, Check = SimdCheck.Order, Name = "Scalar" };
        rows[Code.Cmppd_xmm_xmmm128_imm8] = new SimdRow { Lower = LowerCompare, Operands = SimdLanes.Doubles, Check = SimdCheck.Order };
        rows[Code.Cmpps_xmm_xmmm128_imm8] = new SimdRow { Lower = LowerCompare, Operands = SimdLanes.Singles, Check = SimdCheck.Order };
    }

    private static void AddArithmetic(Dictionary<Code, SimdRow> rows, string name, string host, SimdCheck check, string suffix)
    {
        bool scalar = suffix[0] == 's';
        bool isDouble = suffix[1] == 'd';
        bool unary = name == "Sqrt";
        int size = scalar ? isDouble ? 8 : 4 : 16;
        SimdLanes lanes = scalar ? isDouble ? SimdLanes.Double : SimdLanes.Single : isDouble ? SimdLanes.Doubles : SimdLanes.Singles;
        Type vector = VectorMethods.Of(isDouble ? typeof(double) : typeof(float));
        bool selects = check == SimdCheck.Order;
        rows[Parse($"{name}{suffix}_xmm_xmmm{size * 8}")] = new SimdRow
        {
            Lower = LowerArithmetic,
            Needs = selects ? SimdNeeds.Sse : SimdNeeds.Float,
            Host = VectorMethods.X86(isDouble ? typeof(Sse2) : typeof(Sse), scalar ? host + "Scalar" : host, unary && !scalar ? [vector] : [vector, vector]),
            Check = check,
            Operands = lanes,
            Result = selects ? SimdLanes.None : lanes,
            Size = size,
            IsUnary = unary,
        };
    }

    private static void AddConversionRows(Dictionary<Code, SimdRow> rows)
    {
        Type singles = VectorMethods.Of(typeof(float));
        Type doubles = VectorMethods.Of(typeof(double));
        Type integers = VectorMethods.Of(typeof(int));
        rows[Code.Cvtsi2sd_xmm_rm32] = new SimdRow
        {
            Lower = LowerFromInteger,
            Size = 4,
            Result = SimdLanes.Double,
            Host = VectorMethods.X86(typeof(Sse2), nameof(Sse2.ConvertScalarToVector128Double), doubles, typeof(int)),
        };
        rows[Code.Cvtsi2ss_xmm_rm32] = new SimdRow
        {
            Lower = LowerFromInteger,
            Size = 4,
            Result = SimdLanes.Single,
            Needs = SimdNeeds.Float,
            Host = VectorMethods.X86(typeof(Sse), nameof(Sse.ConvertScalarToVector128Single), singles, typeof(int)),
        };
        AddToInteger(Code.Cvttsd2si_r32_xmmm64, true, VectorMethods.X86(typeof(Sse2), nameof(Sse2.ConvertToInt32WithTruncation), doubles));
        AddToInteger(Code.Cvtsd2si_r32_xmmm64, true, VectorMethods.X86(typeof(Sse2), nameof(Sse2.ConvertToInt32), doubles));
        AddToInteger(Code.Cvttss2si_r32_xmmm32, false, VectorMethods.X86(typeof(Sse), nameof(Sse.ConvertToInt32WithTruncation), singles));
        AddToInteger(Code.Cvtss2si_r32_xmmm32, false, VectorMethods.X86(typeof(Sse), nameof(Sse.ConvertToInt32), singles));
        rows[Code.Cvtss2sd_xmm_xmmm32] = new SimdRow
        {
            Lower = LowerConvertScalar,
            Size = 4,
            Operands = SimdLanes.Single,
            Name = "Double",
            Host = VectorMethods.X86(typeof(Sse2), nameof(Sse2.ConvertScalarToVector128Double), doubles, singles),
            Check = SimdCheck.Order,
        };
        rows[Code.Cvtsd2ss_xmm_xmmm64] = new SimdRow
        {
            Lower = LowerConvertScalar,
            Size = 8,
            Result = SimdLanes.Single,
            Needs = SimdNeeds.Float,
            Name = "Single",
            Host = VectorMethods.X86(typeof(Sse2), nameof(Sse2.ConvertScalarToVector128Single), singles, doubles),
            Check = SimdCheck.Narrowing,
        };
        rows[Code.Cvtdq2pd_xmm_xmmm64] = new SimdRow
        {
            Lower = LowerConvertPacked,
            Size = 8,
            Name = "Doubles",
            Host = VectorMethods.X86(typeof(Sse2), nameof(Sse2.ConvertToVector128Double), integers),
        };
        rows[Code.Cvtdq2ps_xmm_xmmm128] = new SimdRow
        {
            Lower = LowerConvertPacked,
            Needs = SimdNeeds.Float,
            Name = "Singles",
            Host = VectorMethods.X86(typeof(Sse2), nameof(Sse2.ConvertToVector128Single), integers),
        };
        rows[Code.Cvtps2pd_xmm_xmmm64] = new SimdRow
        {
            Lower = LowerConvertPacked,
            Size = 8,
            Operands = SimdLanes.SinglePair,
            Name = "Doubles",
            Host = VectorMethods.X86(typeof(Sse2), nameof(Sse2.ConvertToVector128Double), singles),
            Check = SimdCheck.Order,
        };
        rows[Code.Cvtpd2ps_xmm_xmmm128] = new SimdRow
        {
            Lower = LowerConvertPacked,
            Needs = SimdNeeds.Float,
            Result = SimdLanes.SinglePair,
            Name = "Singles",
            Host = VectorMethods.X86(typeof(Sse2), nameof(Sse2.ConvertToVector128Single), doubles),
            Check = SimdCheck.None,
        };
        AddToIntegers(Code.Cvttps2dq_xmm_xmmm128, false, VectorMethods.X86(typeof(Sse2), nameof(Sse2.ConvertToVector128Int32WithTruncation), singles));
        AddToIntegers(Code.Cvtps2dq_xmm_xmmm128, false, VectorMethods.X86(typeof(Sse2), nameof(Sse2.ConvertToVector128Int32), singles));
        AddToIntegers(Code.Cvttpd2dq_xmm_xmmm128, true, VectorMethods.X86(typeof(Sse2), nameof(Sse2.ConvertToVector128Int32WithTruncation), doubles));
        AddToIntegers(Code.Cvtpd2dq_xmm_xmmm128, true, VectorMethods.X86(typeof(Sse2), nameof(Sse2.ConvertToVector128Int32), doubles));

        void AddToInteger(Code code, bool isDouble, MethodInfo host) => rows[code] = new SimdRow
        {
            Lower = LowerToInteger,
            Needs = SimdNeeds.Float,
            Host = host,
            Size = isDouble ? 8 : 4,
            Operands = isDouble ? SimdLanes.Double : SimdLanes.Single,
            Check = SimdCheck.Order,
        };

        void AddToIntegers(Code code, bool isDouble, MethodInfo host) => rows[code] = new SimdRow
        {
            Lower = LowerToIntegers,
            Needs = SimdNeeds.Float,
            Host = host,
            Operands = isDouble ? SimdLanes.Doubles : SimdLanes.Singles,
            Check = SimdCheck.Order,
        };
    }

    private static Code Parse(string name) => Enum.Parse<Code>(name);
}
