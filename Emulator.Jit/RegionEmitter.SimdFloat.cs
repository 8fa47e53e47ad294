using System.Reflection.Emit;
using System.Runtime.Intrinsics.X86;
using Emulator.Core.Decoding;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>Floating-point arithmetic, comparison and conversion of SSE and SSE2, computed by the host where that is exact.</content>
internal sealed unsafe partial class RegionEmitter
{
    private LocalBuilder? _floatA;
    private LocalBuilder? _floatB;

    private LocalBuilder FloatA => _floatA ??= _il.DeclareLocal(typeof(double));

    private LocalBuilder FloatB => _floatB ??= _il.DeclareLocal(typeof(double));

    private static bool LowerArithmetic(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        LocalBuilder b = e.EmitSource(in op, row);
        LocalBuilder a = e._xmm[op.R0]!;
        int source = HasMemory(in op) ? -1 : op.R1;
        bool hasResult = row.Result != 0;
        SimdLanes upper = e._ordered[op.R0] & RestOf(row.Operands);
        if (hasResult)
        {
            e.EmitOperation(row, a, b);
            e._il.Emit(OpCodes.Stloc, e.Vector);
            e.EmitChecks(row, row.IsUnary ? null : a, b, row.IsUnary ? -1 : op.R0, source, e.Vector);
            e._il.Emit(OpCodes.Ldloc, e.Vector);
        }
        else
        {
            e.EmitChecks(row, a, b, op.R0, source, null);
            e.EmitOperation(row, a, b);
        }

        e._il.Emit(OpCodes.Stloc, a);
        e._ordered[op.R0] = upper | row.Operands;
        return true;
    }

    private void EmitOperation(SimdRow row, LocalBuilder a, LocalBuilder b)
    {
        if (row.Host!.GetParameters().Length == 1)
        {
            EmitHost(row.Host, b);
        }
        else
        {
            EmitHost(row.Host, a, b);
        }
    }

    /// <summary>Lanes that a write to some leaves as they were.</summary>
    private static SimdLanes RestOf(SimdLanes written) => written switch
    {
        SimdLanes.Double or SimdLanes.SinglePair => SimdLanes.HighDouble | SimdLanes.HighSingles,
        SimdLanes.Single => SimdLanes.HighDouble | SimdLanes.Single1 | SimdLanes.HighSingles,
        _ => SimdLanes.None,
    };

    /// <summary>COMISx and UCOMISx: for numbers that are neither NaN nor denormal the same, and without exceptions.</summary>
    private static bool LowerOrder(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        LocalBuilder b = e.EmitSource(in op, row);
        e.EmitChecks(row, e._xmm[op.R0]!, b, op.R0, HasMemory(in op) ? -1 : op.R1, null);
        e.EmitRunTest();
        Type element = row.Size == 8 ? typeof(double) : typeof(float);
        e.EmitVector(e._xmm[op.R0]!, element);
        e._il.Emit(OpCodes.Call, VectorMethods.ToScalar(element));
        e._il.Emit(OpCodes.Conv_R8);
        e._il.Emit(OpCodes.Stloc, e.FloatA);
        e.EmitVector(b, element);
        e._il.Emit(OpCodes.Call, VectorMethods.ToScalar(element));
        e._il.Emit(OpCodes.Conv_R8);
        e._il.Emit(OpCodes.Stloc, e.FloatB);
        e.Flags = new FlagState(FlagKind.Order, 4);
        return true;
    }

    /// <summary>Brings the flags of a comparison into the state: CF less, ZF equal, all others clear.</summary>
    private void EmitOrderFlags()
    {
        // Carries: bits 31 and 30 are CF.
        EmitState(StateLayout.FlagCarries);
        _il.Emit(OpCodes.Ldloc, FloatA);
        _il.Emit(OpCodes.Ldloc, FloatB);
        _il.Emit(OpCodes.Clt);
        _il.Emit(OpCodes.Stloc, _u);
        _il.Emit(OpCodes.Ldloc, _u);
        _il.Emit(OpCodes.Neg);
        _il.Emit(OpCodes.Ldc_I4, unchecked((int)0xC0000000));
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Stind_I4);

        // Result: 1, or for equal operands 2^32, a zero whose parity is odd.
        EmitState(StateLayout.FlagResult);
        _il.Emit(OpCodes.Ldc_I4_1);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Ldloc, FloatA);
        _il.Emit(OpCodes.Ldloc, FloatB);
        _il.Emit(OpCodes.Cgt);
        _il.Emit(OpCodes.Ldloc, _u);
        _il.Emit(OpCodes.Or);
        _il.Emit(OpCodes.Ldc_I4_1);
        _il.Emit(OpCodes.Xor);
        _il.Emit(OpCodes.Ldc_I4_5);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Stind_I8);
        EmitFlagsFinished();
    }

    /// <summary>Pushes a condition (even opcode number) of a comparison whose operands are ordered.</summary>
    private void EmitOrderCondition(int positive, ref bool negate)
    {
        if (positive is 0 or 8 or 10 or 12)
        {
            _il.Emit(OpCodes.Ldc_I4_0);
            return;
        }

        _il.Emit(OpCodes.Ldloc, FloatA);
        _il.Emit(OpCodes.Ldloc, FloatB);
        switch (positive)
        {
            case 2:
                _il.Emit(OpCodes.Clt);
                break;
            case 6:
                _il.Emit(OpCodes.Cgt);
                negate = !negate;
                break;
            default:
                _il.Emit(OpCodes.Ceq);
                break;
        }
    }

    /// <summary>CMPSS, CMPSD, CMPPS, CMPPD.</summary>
    private static bool LowerCompare(RegionEmitter e, in Op op, SimdRow row)
    {
        int predicate = (int)op.Imm & 7;
        string name = ((string[])["Equal", "LessThan", "LessThanOrEqual", "Unordered", "NotEqual", "NotLessThan", "NotLessThanOrEqual", "Ordered"])[predicate];
        bool isDouble = (row.Operands & SimdLanes.Doubles) != 0;
        Type vector = VectorMethods.Of(isDouble ? typeof(double) : typeof(float));
        e.EmitNeeds(row.Needs);
        LocalBuilder b = e.EmitSource(in op, row);
        LocalBuilder a = e._xmm[op.R0]!;
        e.EmitChecks(row, a, b, op.R0, HasMemory(in op) ? -1 : op.R1, null);
        e.EmitHost(VectorMethods.X86(isDouble ? typeof(Sse2) : typeof(Sse), $"Compare{row.Name}{name}", vector, vector), a, b);
        SimdLanes upper = e._ordered[op.R0] & RestOf(row.Operands);
        e.EmitSetXmm(op.R0);
        e._ordered[op.R0] = upper;
        return true;
    }

    /// <summary>CVTSI2SS and CVTSI2SD.</summary>
    private static bool LowerFromInteger(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        if (HasMemory(in op))
        {
            e.EmitLoad(in op, 4);
        }
        else
        {
            e.EmitRead(op.R1, 4);
        }

        e._il.Emit(OpCodes.Stloc, e._t);
        Type element = row.Result == SimdLanes.Double ? typeof(double) : typeof(float);
        e.EmitVector(e._xmm[op.R0]!, element);
        e._il.Emit(OpCodes.Ldloc, e._t);
        e._il.Emit(OpCodes.Call, row.Host!);
        e.EmitAs(element, typeof(byte));
        e._il.Emit(OpCodes.Stloc, e._xmm[op.R0]!);
        e._ordered[op.R0] = (e._ordered[op.R0] & RestOf(row.Result)) | row.Result;
        return true;
    }

    /// <summary>CVT(T)SS2SI and CVT(T)SD2SI: what does not fit is left to the interpreter.</summary>
    private static bool LowerToInteger(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        LocalBuilder b = e.EmitSource(in op, row);
        e.EmitChecks(row, null, b, -1, HasMemory(in op) ? -1 : op.R1, null);
        e.EmitVector(b, row.Size == 8 ? typeof(double) : typeof(float));
        e._il.Emit(OpCodes.Call, row.Host!);
        e._il.Emit(OpCodes.Stloc, e._t);
        e._il.Emit(OpCodes.Ldloc, e._t);
        e._il.Emit(OpCodes.Ldc_I4, int.MinValue);
        e._il.Emit(OpCodes.Beq, e.MissStub());
        e._il.Emit(OpCodes.Ldloc, e._t);
        e.EmitWrite(op.R0, 4);
        return true;
    }

    /// <summary>CVTSS2SD and CVTSD2SS.</summary>
    private static bool LowerConvertScalar(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        LocalBuilder b = e.EmitSource(in op, row);
        LocalBuilder a = e._xmm[op.R0]!;
        bool toDouble = row.Name == "Double";
        SimdLanes given = toDouble ? SimdLanes.Double : SimdLanes.Single;
        e.EmitHost(row.Host!, a, b);
        e._il.Emit(OpCodes.Stloc, e.Vector);
        e.EmitChecks(row, null, b, -1, HasMemory(in op) ? -1 : op.R1, toDouble ? null : e.Vector);
        e._il.Emit(OpCodes.Ldloc, e.Vector);
        e._il.Emit(OpCodes.Stloc, a);
        e._ordered[op.R0] = (e._ordered[op.R0] & RestOf(given)) | given;
        return true;
    }

    /// <summary>Conversions of packed numbers to floating point.</summary>
    private static bool LowerConvertPacked(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        LocalBuilder b = e.EmitSource(in op, row);
        e.EmitHost(row.Host!, b);
        e._il.Emit(OpCodes.Stloc, e.Vector);
        if (row.Operands != 0 || row.Result != 0)
        {
            e.EmitChecks(row, null, b, -1, HasMemory(in op) ? -1 : op.R1, row.Result != 0 ? e.Vector : null);
        }

        e._il.Emit(OpCodes.Ldloc, e.Vector);
        e._il.Emit(OpCodes.Stloc, e._xmm[op.R0]!);
        e._ordered[op.R0] = row.Name == "Doubles" ? SimdLanes.Doubles : row.Result != 0 ? SimdLanes.Singles | SimdLanes.HighDouble : SimdLanes.Singles;
        return true;
    }

    /// <summary>Conversions of packed numbers to integers; a lane that does not fit leaves all to the interpreter.</summary>
    private static bool LowerToIntegers(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        LocalBuilder b = e.EmitSource(in op, row);
        e.EmitChecks(row, null, b, -1, HasMemory(in op) ? -1 : op.R1, null);
        e.EmitHost(row.Host!, b);
        e._il.Emit(OpCodes.Stloc, e.Vector);

        // The indefinite integer in any lane.
        e.EmitVector(e.Vector, typeof(int));
        e._il.Emit(OpCodes.Ldc_I4, int.MinValue);
        e._il.Emit(OpCodes.Call, VectorMethods.Broadcast(typeof(int)));
        e._il.Emit(OpCodes.Call, VectorMethods.Binary(nameof(Sse2.CompareEqual), typeof(int)));
        e.EmitAs(typeof(int), typeof(byte));
        e._il.Emit(OpCodes.Call, VectorMethods.X86(typeof(Sse2), nameof(Sse2.MoveMask), VectorMethods.Vector));
        e._il.Emit(OpCodes.Brtrue, e.MissStub());
        e._il.Emit(OpCodes.Ldloc, e.Vector);
        e.EmitSetXmm(op.R0);
        return true;
    }
}
