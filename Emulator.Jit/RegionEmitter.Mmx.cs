using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Intrinsics.X86;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Iced.Intel;

namespace Emulator.Jit;

/// <content>
/// MMX. The registers are the significands of the x87 registers in the state; operations run on the low half of a vector. Availability and the
/// switch of the x87 unit to MMX (TOP 0, all tags valid) are looked after once in a run of instructions that leave x87 alone.
/// </content>
internal sealed unsafe partial class RegionEmitter
{
    private const int TopField = 0x3800;
    private const int ErrorSummary = 0x80;

    /// <summary>Index behind the last MMX instruction of the block since which nothing touched the x87 unit, or -1.</summary>
    private int _mmxFrom = -1;
    private bool _mmxEntered;

    private static void AddMmxRows(Dictionary<Code, SimdRow> rows)
    {
        foreach ((string name, string host, Type element) in PackedOperations)
        {
            string suffix = name.StartsWith("Punpckl", StringComparison.Ordinal) ? "mmm32" : "mmm64";
            if (!Enum.TryParse($"{name}_mm_{suffix}", out Code code))
            {
                continue;
            }

            Type vector = VectorMethods.Of(element);
            rows[code] = new SimdRow
            {
                Lower = LowerMmx,
                Needs = SimdNeeds.Mmx,
                Host = VectorMethods.X86(typeof(Sse2), host, vector, vector),
                Size = suffix == "mmm32" ? 4 : 8,
                Name = name.StartsWith("Pack", StringComparison.Ordinal) ? "Pack" : name.StartsWith("Punpckh", StringComparison.Ordinal) ? "High" : string.Empty,
            };
        }

        foreach ((string name, string host, Type element) in Shifts)
        {
            Type vector = VectorMethods.Of(element);
            rows[Parse($"{name}_mm_mmm64")] = new SimdRow
            {
                Lower = LowerMmx,
                Needs = SimdNeeds.Mmx,
                Size = 8,
                Host = VectorMethods.X86(typeof(Sse2), host, vector, vector),
            };
            rows[Parse($"{name}_mm_imm8")] = new SimdRow
            {
                Lower = LowerMmxImmediate,
                Needs = SimdNeeds.Mmx,
                Size = 8,
                Host = VectorMethods.X86(typeof(Sse2), host, vector, typeof(byte)),
            };
        }

        rows[Code.Pshufw_mm_mmm64_imm8] = new SimdRow
        {
            Lower = LowerMmxImmediate,
            Needs = SimdNeeds.Mmx,
            Size = 8,
            Name = "Source",
            Host = VectorMethods.X86(typeof(Sse2), nameof(Sse2.ShuffleLow), VectorMethods.Of(typeof(ushort)), typeof(byte)),
        };
        foreach (Code code in (Code[])[Code.Movd_mm_rm32, Code.Movd_rm32_mm, Code.Movq_mm_mmm64, Code.Movq_mmm64_mm, Code.Movntq_m64_mm])
        {
            rows[code] = new SimdRow { Lower = LowerMmxMove, Needs = SimdNeeds.Mmx, Size = code is Code.Movd_mm_rm32 or Code.Movd_rm32_mm ? 4 : 8 };
        }

        rows[Code.Pextrw_r32_mm_imm8] = new SimdRow { Lower = LowerMmxExtract, Needs = SimdNeeds.Mmx };
        rows[Code.Pinsrw_mm_r32m16_imm8] = new SimdRow { Lower = LowerMmxInsert, Needs = SimdNeeds.Mmx, Size = 2 };
        rows[Code.Pmovmskb_r32_mm] = new SimdRow
        {
            Lower = LowerMmxMask,
            Needs = SimdNeeds.Mmx,
            Host = VectorMethods.X86(typeof(Sse2), nameof(Sse2.MoveMask), VectorMethods.Vector),
        };
        rows[Code.Emms] = new SimdRow { Lower = LowerEmms, Needs = SimdNeeds.Mmx };
    }

    /// <summary>Leaves the region unless MMX is available; only where something since the last look may have changed that.</summary>
    private void EmitMmxNeeds()
    {
        bool known = _mmxFrom >= 0;
        for (int i = Math.Max(_mmxFrom, 0); i < _index && known; i++)
        {
            Code code = (Code)_block.Ops[i].Code;
            known = Shapes.ContainsKey(code) || SimdRows.ContainsKey(code);
        }

        if (!known)
        {
            _mmxEntered = false;
            EmitState(StateLayout.Cr0);
            _il.Emit(OpCodes.Ldind_U4);
            _il.Emit(OpCodes.Ldc_I4, (int)(Cr0.EM | Cr0.TS));
            _il.Emit(OpCodes.And);
            EmitState(StateLayout.Fsw);
            _il.Emit(OpCodes.Ldind_U2);
            _il.Emit(OpCodes.Ldc_I4, ErrorSummary);
            _il.Emit(OpCodes.And);
            _il.Emit(OpCodes.Or);
            _il.Emit(OpCodes.Brtrue, MissStub());
        }

        _mmxFrom = _index + 1;
    }

    /// <summary>What every MMX instruction does to the x87 state, behind its last possible exit.</summary>
    private void EmitEnterMmx()
    {
        if (_mmxEntered)
        {
            return;
        }

        _mmxEntered = true;
        EmitState(StateLayout.Fsw);
        EmitState(StateLayout.Fsw);
        _il.Emit(OpCodes.Ldind_U2);
        _il.Emit(OpCodes.Ldc_I4, 0xFFFF & ~TopField);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Stind_I2);
        EmitState(StateLayout.Ftw);
        _il.Emit(OpCodes.Ldc_I4, 0xFF);
        _il.Emit(OpCodes.Stind_I1);
    }

    /// <summary>Pushes an MMX register.</summary>
    private void EmitMmx(byte register)
    {
        EmitState(StateLayout.Fpu + (sizeof(FpuRegister) * (register & 7)));
        _il.Emit(OpCodes.Ldind_I8);
    }

    /// <summary>Pops a quadword into an MMX register; the exponent behind it becomes all ones.</summary>
    private void EmitSetMmx(byte register)
    {
        int offset = StateLayout.Fpu + (sizeof(FpuRegister) * (register & 7));
        _il.Emit(OpCodes.Stloc, _wide);
        EmitEnterMmx();
        EmitState(offset);
        _il.Emit(OpCodes.Ldloc, _wide);
        _il.Emit(OpCodes.Stind_I8);
        EmitState(offset + StateLayout.SignExponent);
        _il.Emit(OpCodes.Ldc_I4, 0xFFFF);
        _il.Emit(OpCodes.Stind_I2);
    }

    /// <summary>Pops a quadword into a vector local.</summary>
    private void EmitQuadwordTo(LocalBuilder vector)
    {
        _il.Emit(OpCodes.Call, VectorMethods.CreateScalar(typeof(ulong)));
        EmitAs(typeof(ulong), typeof(byte));
        _il.Emit(OpCodes.Stloc, vector);
    }

    /// <summary>Loads the source of an instruction into the operand local.</summary>
    private void EmitMmxSource(in Op op, int size)
    {
        if (HasMemory(in op))
        {
            EmitSimdAddress(in op, size, aligned: false, write: false);
            if (size == 8)
            {
                _il.Emit(OpCodes.Ldind_I8);
            }
            else
            {
                _il.Emit(OpCodes.Ldind_U4);
                _il.Emit(OpCodes.Conv_U8);
            }
        }
        else
        {
            EmitMmx(op.R1);
        }

        EmitQuadwordTo(Operand);
    }

    /// <summary>Pops a vector of bytes and writes its low (or high) half to an MMX register.</summary>
    private void EmitSetMmxFromVector(byte register, bool high = false)
    {
        EmitAs(typeof(byte), typeof(ulong));
        if (high)
        {
            _il.Emit(OpCodes.Ldc_I4_1);
            _il.Emit(OpCodes.Call, VectorMethods.GetElement(typeof(ulong)));
        }
        else
        {
            _il.Emit(OpCodes.Call, VectorMethods.ToScalar(typeof(ulong)));
        }

        EmitSetMmx(register);
    }

    private static bool LowerMmx(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        e.EmitMmxSource(in op, row.Size);
        e.EmitMmx(op.R0);
        e.EmitQuadwordTo(e.Vector);
        MethodInfo host = row.Host!;
        if (row.Name == "Pack")
        {
            // Both operands in one vector; the packed halves come out equal to it in order.
            Type quadwords = VectorMethods.Of(typeof(ulong));
            e.EmitHost(VectorMethods.X86(typeof(Sse2), nameof(Sse2.UnpackLow), quadwords, quadwords), e.Vector, e.Operand);
            e._il.Emit(OpCodes.Stloc, e.Vector);
            e.EmitHost(host, e.Vector, e.Vector);
        }
        else if (row.Name == "High")
        {
            // The high half of what unpacking the low halves gives.
            e.EmitHost(VectorMethods.X86(typeof(Sse2), nameof(Sse2.UnpackLow), [host.GetParameters()[0].ParameterType, host.GetParameters()[0].ParameterType]), e.Vector, e.Operand);
            e.EmitSetMmxFromVector(op.R0, high: true);
            return true;
        }
        else
        {
            e.EmitHost(host, e.Vector, e.Operand);
        }

        e.EmitSetMmxFromVector(op.R0);
        return true;
    }

    /// <summary>Shifts by an immediate, and PSHUFW.</summary>
    private static bool LowerMmxImmediate(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        if (row.Name == "Source")
        {
            e.EmitMmxSource(in op, 8);
        }
        else
        {
            e.EmitMmx(op.R0);
            e.EmitQuadwordTo(e.Operand);
        }

        e.EmitHost(row.Host!, e.Operand, immediate: (byte)op.Imm);
        e.EmitSetMmxFromVector(op.R0);
        return true;
    }

    /// <summary>MOVD, MOVQ, MOVNTQ.</summary>
    private static bool LowerMmxMove(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        bool memory = HasMemory(in op);
        if (memory && row.IsStore)
        {
            e.EmitSimdAddress(in op, row.Size, aligned: false, write: true);
            e.EmitMmx(op.R1);
            if (row.Size == 4)
            {
                e._il.Emit(OpCodes.Conv_U4);
            }

            e._il.Emit(row.Size == 8 ? OpCodes.Stind_I8 : OpCodes.Stind_I4);
            e.EmitEnterMmx();
        }
        else if (memory)
        {
            e.EmitSimdAddress(in op, row.Size, aligned: false, write: false);
            if (row.Size == 8)
            {
                e._il.Emit(OpCodes.Ldind_I8);
            }
            else
            {
                e._il.Emit(OpCodes.Ldind_U4);
                e._il.Emit(OpCodes.Conv_U8);
            }

            e.EmitSetMmx(op.R0);
        }
        else if (row.WritesGeneral)
        {
            e.EmitEnterMmx();
            e.EmitMmx(op.R1);
            e._il.Emit(OpCodes.Conv_U4);
            e.EmitWrite(op.R0, 4);
        }
        else
        {
            if (row.Size == 4)
            {
                e.EmitRead(op.R1, 4);
                e._il.Emit(OpCodes.Conv_U8);
            }
            else
            {
                e.EmitMmx(op.R1);
            }

            e.EmitSetMmx(op.R0);
        }

        return true;
    }

    private static bool LowerMmxExtract(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        e.EmitEnterMmx();
        e.EmitMmx(op.R1);
        e._il.Emit(OpCodes.Ldc_I4, 16 * ((int)op.Imm & 3));
        e._il.Emit(OpCodes.Shr_Un);
        e._il.Emit(OpCodes.Conv_U2);
        e.EmitWrite(op.R0, 4);
        return true;
    }

    private static bool LowerMmxInsert(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        int shift = 16 * ((int)op.Imm & 3);
        if (HasMemory(in op))
        {
            e.EmitLoad(in op, 2);
        }
        else
        {
            e.EmitRead(op.R1, 2);
        }

        e._il.Emit(OpCodes.Conv_U8);
        e._il.Emit(OpCodes.Ldc_I4, shift);
        e._il.Emit(OpCodes.Shl);
        e.EmitMmx(op.R0);
        e._il.Emit(OpCodes.Ldc_I8, ~(0xFFFFL << shift));
        e._il.Emit(OpCodes.And);
        e._il.Emit(OpCodes.Or);
        e.EmitSetMmx(op.R0);
        return true;
    }

    private static bool LowerMmxMask(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        e.EmitEnterMmx();
        e.EmitMmx(op.R1);
        e.EmitQuadwordTo(e.Operand);
        e._il.Emit(OpCodes.Ldloc, e.Operand);
        e._il.Emit(OpCodes.Call, row.Host!);
        e.EmitWrite(op.R0, 4);
        return true;
    }

    private static bool LowerEmms(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        e.EmitEnterMmx();
        e.EmitState(StateLayout.Ftw);
        e._il.Emit(OpCodes.Ldc_I4_0);
        e._il.Emit(OpCodes.Stind_I1);
        e._mmxEntered = false;
        return true;
    }
}
